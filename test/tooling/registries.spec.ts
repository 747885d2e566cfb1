import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { GATEWAY_STATUS } from '../../src/gateway/domain/gateway-error.js';
import { PROBLEM_CODES, problemStatus } from '../../src/kernel/app-error.js';
import { OAUTH_ERROR_CODES, oauthStatus } from '../../src/kernel/oauth-error.js';
import { ENV_VARIABLES } from '../../src/platform/config/env.dto.js';
import { CONFIDENTIAL_VARIABLES, SECRET_VARIABLES } from '../../src/platform/config/variables.js';
import { QUEUE_NAMES } from '../../src/platform/queue/domain/queue-names.js';
import { REPOSITORY } from './planted-tree.js';

interface Manifest {
  readonly license?: string;
  readonly licenses?: readonly { readonly type: string }[];
  readonly dependencies: Readonly<Record<string, string>>;
}

const read = (file: string): string => readFileSync(path.join(REPOSITORY, file), 'utf8');
const manifest = (folder: string): Manifest => JSON.parse(read(`${folder}/package.json`)) as Manifest;

/** The cells of the tables below a heading (or of the whole file), without the head of each table. */
function tableRows(text: string, heading = ''): readonly (readonly string[])[] {
  const from = heading ? text.indexOf(`\n## ${heading}\n`) + 1 : 0;
  const end = heading ? text.indexOf('\n## ', from + 3) : -1;
  const section = text.slice(from, end < 0 ? undefined : end).split('\n');
  return section
    .filter((line, index) => /^\| (?!---)/.test(line) && !section[index + 1]?.startsWith('| ---'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
}

const codes = (heading: string): Readonly<Record<string, number>> =>
  Object.fromEntries(
    tableRows(read('governance/error-registry.md'), heading).map(([code = '', status]) => [code, Number(status)]),
  );

describe('governance/error-registry.md', () => {
  it('lists every problem code with its status, and no other', () => {
    expect(codes('Problem codes')).toEqual(
      Object.fromEntries(PROBLEM_CODES.map((code) => [code, problemStatus(code)])),
    );
  });

  it('lists every OAuth error code with its status, and no other', () => {
    const expected = Object.fromEntries(OAUTH_ERROR_CODES.map((code) => [code, oauthStatus(code)]));
    expect(codes('OAuth error codes')).toEqual(expected);
  });

  it('lists every gateway code with its status, and no other', () => {
    expect(codes('Gateway codes')).toEqual(GATEWAY_STATUS);
  });
});

describe('governance/adr/0008-production-dependencies.md', () => {
  const rows = tableRows(read('governance/adr/0008-production-dependencies.md'));
  const licenceOf = ({ license, licenses }: Manifest): string | undefined => license ?? licenses?.[0]?.type;

  it('[T11] lists exactly the production dependencies of package.json', () => {
    expect(rows.map(([name]) => name).toSorted()).toEqual(Object.keys(manifest('.').dependencies).toSorted());
  });

  it.each(rows)('[T10] states the licence of %s, why it is here and who keeps it up', (name, why, licence, upkeep) => {
    expect([why, upkeep]).not.toContain('');
    expect(licence).toBe(licenceOf(manifest(`node_modules/${name}`)));
    expect(['Apache-2.0', 'MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', '0BSD']).toContain(licence);
  });
});

describe('governance/adr/0009-connection-budget.md', () => {
  const adr = read('governance/adr/0009-connection-budget.md');
  const budget = tableRows(adr).map(([, role = '', connections]) => [role, Number(connections)] as const);
  const inCode = (file: string, pattern: RegExp): number => Number(pattern.exec(read(file))?.[1]);
  const pool = (role: string): number =>
    inCode('src/platform/database/database.ts', new RegExp(`POOL_SIZES = \\{[^}]*\\b${role}: (\\d+)`));
  const queue = (name: string): number =>
    inCode('src/platform/queue/backend/postgres-backend.ts', new RegExp(`const ${name} = (\\d+)`));

  it('[T8] is what the code opens', () => {
    const roles = ['caracal_app', 'caracal_audit', 'caracal_auditor', 'caracal_janitor', 'caracal_system'] as const;
    expect(budget).toEqual([
      ...roles.map((role) => [role, pool(role)]),
      ['caracal_system', 1],
      ['caracal_queue', queue('PRODUCER_CONNECTIONS')],
      ['caracal_queue', queue('WORKER_CONNECTIONS')],
    ]);
  });

  it('[T8] names every queue, and its sum is right', () => {
    const perWorker = budget.at(-1)?.[1] ?? 0;
    const fixed = budget.slice(0, -1).reduce((sum, [, connections]) => sum + connections, 0);
    expect(adr).toContain(QUEUE_NAMES.map((name) => `\`${name}\``).join(', '));
    expect(adr).toContain(`a replica opens at most ${fixed + perWorker * QUEUE_NAMES.length};`);
  });
});

describe('README.md', () => {
  /** Node's own switch; we only look whether it is set. */
  const NOT_OURS = 'NODE_TLS_REJECT_UNAUTHORIZED';

  it('lists every variable of the environment, and no other', () => {
    const named = tableRows(read('README.md'), 'Configuration').flatMap(([names = '']) => names.split(', '));
    expect(named.toSorted()).toEqual(ENV_VARIABLES.filter((name) => name !== NOT_OURS).toSorted());
  });

  it('names the file variable of every secret', () => {
    const files = [...SECRET_VARIABLES.map(([, variable]) => variable), ...CONFIDENTIAL_VARIABLES];
    expect(files.filter((name) => !read('README.md').includes(`\`${name}_FILE\``))).toEqual([]);
  });
});
