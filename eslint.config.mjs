/** Sizes, purity and safety rules; the reasons stand in CONTRIBUTING.md. Formatting is Prettier's. */
import js from '@eslint/js';
import tseslint from 'typescript-eslint';
import { rules } from './governance/lint/rules.mjs';

const NODE_GLOBALS = Object.fromEntries(
  ['AbortController', 'AbortSignal', 'Buffer', 'clearInterval', 'clearTimeout', 'console', 'fetch', 'globalThis']
    .concat(['performance', 'process', 'setImmediate', 'setInterval', 'setTimeout', 'structuredClone'])
    .concat(['TextDecoder', 'TextEncoder', 'URL', 'URLSearchParams'])
    .map((name) => [name, 'readonly']),
);

const NAMED_EXPORTS = { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' };
const ENVIRONMENT = [
  {
    selector: 'MemberExpression[property.name="env"][object.property.name="process"]',
    message: 'Only src/platform/config reads the environment.',
  },
  {
    selector: 'MemberExpression[property.name="env"][object.name="process"]',
    message: 'Only src/platform/config reads the environment.',
  },
  {
    selector: 'VariableDeclarator[init.name="process"] > ObjectPattern > Property[key.name="env"]',
    message: 'Only src/platform/config reads the environment.',
  },
  {
    selector: 'ImportDeclaration[source.value=/^(node:)?process$/] > ImportSpecifier[imported.name="env"]',
    message: 'Only src/platform/config reads the environment.',
  },
];
const CONNECTIONS = [
  {
    selector: 'NewExpression[callee.object.name="pg"][callee.property.name="Client"]',
    message: 'A DatabaseClient; the end of a plain one can end the process.',
  },
  {
    selector:
      'NewExpression[callee.object.name="pg"][callee.property.name="Pool"]:not(:has(Property[key.name="Client"][value.name="DatabaseClient"]))',
    message: 'A pool of DatabaseClient; the end of a plain one can end the process.',
  },
];
const CLOCK_OR_CHANCE = 'Time, chance and the like enter as parameters.';
const IMPURE = [
  { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: CLOCK_OR_CHANCE },
  { selector: 'CallExpression[callee.name="Date"]', message: CLOCK_OR_CHANCE },
  { selector: 'MemberExpression[object.name="Date"][property.name="now"]', message: CLOCK_OR_CHANCE },
  { selector: 'MemberExpression[object.name="Math"][property.name="random"]', message: CLOCK_OR_CHANCE },
  { selector: 'MemberExpression[object.name="performance"][property.name="now"]', message: CLOCK_OR_CHANCE },
  { selector: 'MemberExpression[object.name="process"][property.name="hrtime"]', message: CLOCK_OR_CHANCE },
];

const EVERYWHERE = {
  'caracal/disable-needs-reason': 'error',
  'caracal/max-params': 'error',
  complexity: ['error', 10],
  'max-depth': ['error', 3],
  'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
  'max-lines-per-function': ['error', { max: 50, skipBlankLines: true, skipComments: true }],
  eqeqeq: 'error',
  // Refusing control characters is what much of this code is for.
  'no-control-regex': 'off',
  'no-eval': 'error',
  'no-new-func': 'error',
};

const TYPED = {
  '@typescript-eslint/no-explicit-any': 'error',
  '@typescript-eslint/no-floating-promises': 'error',
  '@typescript-eslint/switch-exhaustiveness-check': 'error',
  '@typescript-eslint/ban-ts-comment': ['error', { 'ts-expect-error': 'allow-with-description', 'ts-ignore': true }],
  '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
  '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
  // An interface may promise what one implementation of it can do at once.
  '@typescript-eslint/require-await': 'off',
};

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', 'node_modules/', '.caracal/', 'bench/results/'] },
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { caracal: { rules } },
    languageOptions: { ecmaVersion: 2024, sourceType: 'module' },
  },
  {
    files: ['**/*.mjs', '**/*.js'],
    extends: [js.configs.recommended],
    languageOptions: { globals: NODE_GLOBALS },
    rules: EVERYWHERE,
  },
  {
    files: ['**/*.ts'],
    extends: [js.configs.recommended, tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.test.json', tsconfigRootDir: import.meta.dirname } },
    rules: { ...EVERYWHERE, ...TYPED, 'no-restricted-syntax': ['error', NAMED_EXPORTS] },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-console': 'error',
      'no-restricted-syntax': ['error', NAMED_EXPORTS, ...ENVIRONMENT, ...CONNECTIONS],
      // One guarded way out (src/platform/egress); the runtime's own client would pass it by.
      'no-restricted-globals': ['error', 'fetch', 'WebSocket', 'EventSource'],
    },
  },
  {
    files: ['src/kernel/**/*.ts', 'src/**/domain/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', NAMED_EXPORTS, ...ENVIRONMENT, ...CONNECTIONS, ...IMPURE] },
  },
  {
    files: ['src/platform/config/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', NAMED_EXPORTS] },
  },
  {
    // Run in other people's programs, or beside the server on an auditor's machine, where the runtime's client is the right one.
    files: ['src/sdk/**/*.ts', 'src/audit/verify/**/*.ts'],
    rules: { 'no-restricted-globals': 'off' },
  },
  {
    files: ['**/*.spec.ts', 'test/**/*.ts', 'test/**/*.mjs'],
    rules: {
      'max-lines': ['error', { max: 500, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': 'off',
      // The callback of a table of tests takes its columns.
      'caracal/max-params': 'off',
      'no-console': 'off',
      'no-restricted-globals': 'off',
    },
  },
  {
    // Answers of a server under test are unknown until an assertion has looked at them.
    files: ['**/*.spec.ts', 'test/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', NAMED_EXPORTS],
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
);
