import { describe, expect, it } from '@jest/globals';
import { type Granter, mayGrantCommand } from './command-rights.js';

const WRITER: Granter = { capabilities: new Set(['write']) };
const BOUND: Granter = { ...WRITER, zones: new Set(['acme']) };
const write = { capability: 'write', zone: 'bound' } as const;

describe('[T12] granting a command', () => {
  it.each([
    ['a writer, a write of its zone', BOUND, write, true],
    ['a writer, reading', BOUND, { ...write, capability: 'read' }, true],
    ['a reader, a write', { capabilities: new Set(['read']) }, write, false],
    ['a writer, the ledger', WRITER, { ...write, capability: 'audit' }, false],
    ['an auditor, the ledger', { capabilities: new Set(['audit']) }, { ...write, capability: 'audit' }, true],
    ['a bound writer, a command of no zone', BOUND, { ...write, zone: 'global' }, false],
    ['a global writer, a command of no zone', WRITER, { ...write, zone: 'global' }, true],
    ['bootstrap, everything', { capabilities: new Set(['bootstrap']) }, { ...write, capability: 'audit' }, true],
    ['an agent, anything at all', { ...WRITER, agent: { jti: 'j' } }, write, false],
    ['anyone, what is no command', WRITER, undefined, false],
  ] as const)('%s: %4$s', (_, granter, command, expected) => {
    expect(mayGrantCommand(granter, command)).toBe(expected);
  });
});
