import { describe, it, expect } from '@jest/globals';
import fc from 'fast-check';
import { AppError } from '../../kernel/app-error.js';
import { Secret } from '../../kernel/secret.js';
import { createLogger, NestLogger, redactValue, type AppLogger } from './index.js';

function capture(level = 'trace'): { log: AppLogger; lines: Record<string, unknown>[]; text: () => string } {
  const written: string[] = [];
  const lines: Record<string, unknown>[] = [];
  const log = createLogger(
    { log: { level } },
    {
      write: (line) => {
        written.push(line);
        lines.push(JSON.parse(line) as Record<string, unknown>);
      },
    },
  );
  return { log, lines, text: () => written.join('') };
}

describe('the logger', () => {
  it('writes one JSON line with level, time and message', () => {
    const { log, lines, text } = capture();
    log.info({ zone: 'acme' }, 'request');
    expect(lines).toEqual([
      { level: 'info', time: expect.stringMatching(/^\d{4}-.*Z$/), zone: 'acme', msg: 'request' },
    ]);
    expect(text()).toMatch(/^[^\n]+\n$/);
  });

  it('writes nothing below its level', () => {
    const { log, lines } = capture('warn');
    log.info('quiet');
    expect(lines).toEqual([]);
  });
});

describe('[T5] redaction at the sink', () => {
  const CANARY = 'eyJhbGciOiJub25lIn0.canary.canary';

  it.each<[string, (log: AppLogger) => void]>([
    ['a message', (log) => log.info(`took ${CANARY}`)],
    ['a format argument', (log) => log.info('took %s', CANARY)],
    ['a member', (log) => log.info({ access_token: 'canary' })],
    ['a nested member', (log) => log.info({ req: { headers: { authorization: 'canary' } } })],
    ['a binding of a child', (log) => log.child({ client_secret: 'canary' }).info('x')],
    ['the message of an error', (log) => log.error(new Error(`bad ${CANARY}`))],
    [
      'the stack of an error',
      (log) => log.error({ err: Object.assign(new Error('x'), { stack: `Error: ${CANARY}\n at y` }) }, 'x'),
    ],
    [
      'the cause of an error',
      (log) => log.error({ err: new Error('x', { cause: new Error('y', { cause: new Error(CANARY) }) }) }),
    ],
    [
      'a member of an error',
      (log) => log.error({ err: Object.assign(new Error('x'), { config: { password: 'canary' } }) }),
    ],
    [
      'the detail of a refusal',
      (log) => log.error({ err: new AppError('server_error', 'x', { detail: `had ${CANARY}` }) }),
    ],
    ['an error under another name', (log) => log.error({ error: new Error(CANARY), cause: new Error(CANARY) })],
    ['several errors in one', (log) => log.error(new AggregateError([new Error(CANARY)], 'x'))],
    ['a secret', (log) => log.info({ value: new Secret('canary') })],
    ['the id of a request', (log) => log.info({ requestId: 'password=canary' }, 'x')],
  ])('covers %s', (_name, write) => {
    const { log, lines, text } = capture();
    write(log);
    expect(lines).toHaveLength(1);
    expect(text()).not.toContain('canary');
    expect(text()).toContain('[redacted]');
  });

  it('passes no line that redaction would change', () => {
    const word = fc.constantFrom(
      'token',
      'secret',
      'Password',
      'api_key',
      'cookie',
      'authorization',
      'kek_',
      'note',
      'x',
    );
    const text = fc.constantFrom(
      'plain',
      `a ${CANARY}`,
      'Bearer abcdefghijk',
      'BASIC\tYWJjZGVmZ2g=',
      'redis://:pw@x',
      'ghp_0123456789abcdefgh',
      'sk-0123456789abcdefghij',
      'token = x',
    );
    fc.assert(
      fc.property(
        fc.dictionary(word, fc.oneof(text, fc.record({ password: text, note: text }))),
        text,
        (facts, message) => {
          const { log, lines } = capture();
          log.info(facts, message);
          expect(redactValue(lines[0])).toEqual(lines[0]);
        },
      ),
    );
  });
});

describe("Nest's messages", () => {
  it.each<[string, (nest: NestLogger) => void, Record<string, unknown>]>([
    [
      'its start',
      (nest) => nest.log('Mapped {/x}', 'RoutesResolver'),
      { level: 'debug', msg: 'Mapped {/x}', context: 'RoutesResolver' },
    ],
    [
      'an error with its stack',
      (nest) => nest.error('bad', 'at x', 'Handler'),
      { level: 'error', msg: 'bad', stack: 'at x', context: 'Handler' },
    ],
    [
      'an error object',
      (nest) => nest.error(new Error('bad'), 'Handler'),
      { level: 'error', msg: 'bad', context: 'Handler' },
    ],
    ['a warning', (nest) => nest.warn('hm'), { level: 'warn', msg: 'hm' }],
    ['an object', (nest) => nest.fatal({ a: 1 }), { level: 'fatal', msg: 'nest', message: { a: 1 } }],
    ['detail', (nest) => nest.debug('d'), { level: 'debug', msg: 'd' }],
    ['more detail', (nest) => nest.verbose('v'), { level: 'trace', msg: 'v' }],
  ])('are written: %s', (_name, write, expected) => {
    const { log, lines } = capture();
    write(new NestLogger(log));
    expect(lines).toEqual([expect.objectContaining(expected)]);
  });
});
