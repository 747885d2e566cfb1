import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compileOperations, holds, matchOperation, type OperationRule, operationsFor } from './operation.js';

function rule(line: string): OperationRule {
  const [method = '', path = '', ...scopes] = line.split(' ');
  return { method, path, scopes };
}

function match(lines: readonly string[], method: string, path: string): string | undefined {
  const found = matchOperation(compileOperations(lines.map(rule)), method, path);
  return found && [found.template, ...found.scopes].join(' ');
}

describe('[T3] matchOperation', () => {
  const one: [string, string, string, boolean][] = [
    ['GET /repos r', 'GET', '/repos', true],
    ['GET /repos r', 'GET', '/repos/', false],
    ['GET /repos/ r', 'GET', '/repos', false],
    ['GET /repos r', 'GET', '/Repos', false],
    ['GET /repos r', 'get', '/repos', false],
    ['GET /repos r', 'POST', '/repos', false],
    ['GET /repos r', 'HEAD', '/repos', true],
    ['HEAD /repos r', 'GET', '/repos', false],
    ['POST /repos r', 'HEAD', '/repos', false],
    ['GET /repos r', 'OPTIONS', '/repos', false],
    ['OPTIONS /repos r', 'OPTIONS', '/repos', true],
    ['* /** r', 'DELETE', '/any/thing', true],
    ['* /** r', 'GET', '', true],
    ['* /** r', 'GET', '/', true],
    ['GET /a/{id} r', 'GET', '/a/1', true],
    ['GET /a/{id} r', 'GET', '/a/', false],
    ['GET /a/{id} r', 'GET', '/a', false],
    ['GET /a/{id} r', 'GET', '/a/1/2', false],
    ['GET /a/{id} r', 'GET', '/a/1/', false],
    ['GET /a/{id}/c r', 'GET', '/a//c', false],
    ['GET /a/{id}/c r', 'GET', '/a/%20/c', true],
    ['GET /a/** r', 'GET', '/a/', true],
    ['GET /a/** r', 'GET', '/a/b', true],
    ['GET /a/** r', 'GET', '/a/b/c//', true],
    ['GET /a/** r', 'GET', '/a', false],
    ['GET /a/** r', 'GET', '/ab', false],
    ['GET / r', 'GET', '', true],
    ['GET / r', 'GET', '/', true],
    ['GET / r', 'GET', '//', false],
    ['GET /a r', 'GET', '', false],
    ['GET /a r', 'GET', '/%61', true],
    ['GET /%61 r', 'GET', '/a', true],
    ['GET /caf%c3%a9 r', 'GET', '/caf%C3%A9', true],
    ['GET /a%20b r', 'GET', '/a+b', false],
    ['GET /a%2Db r', 'GET', '/a-b', true],
    ['GET /a%3Ab r', 'GET', '/a:b', false],
    ['GET /%2541 r', 'GET', '/A', false],
    ['GET /a{x}b r', 'GET', '/ayb', false],
    ['GET /**/x r', 'GET', '/y/x', false],
  ];
  it.each(one)('%s asked %s %p → %p', (line, method, path, allowed) => {
    expect(match([line], method, path) !== undefined).toBe(allowed);
  });

  it('denies everything when nothing is declared', () => {
    expect(match([], 'GET', '/')).toBeUndefined();
  });

  const several: [string, string, string, string | undefined][] = [
    ['GET /a/{x} p|GET /a/b l', 'GET', '/a/b', '/a/b l'],
    ['GET /a/** o|GET /a/{x} p', 'GET', '/a/b', '/a/{x} p'],
    ['* /** any|GET /a/{x} p', 'POST', '/a/b', '/** any'],
    ['* /** any|GET /a/{x} p', 'GET', '/a/b', '/a/{x} p'],
    ['GET /{x}/b p|GET /a/{y} q', 'GET', '/a/b', '/a/{y} q'],
    ['GET /a/b/** o|GET /a/{x}/c p', 'GET', '/a/b/c', '/a/{x}/c p'],
    ['* /a star|GET /a get|HEAD /a head', 'HEAD', '/a', '/a head'],
    ['* /a star|GET /a get', 'HEAD', '/a', '/a get'],
    ['* /a star|GET /a get', 'PUT', '/a', '/a star'],
    ['GET /a/{x} first|GET /a/{y} second', 'GET', '/a/1', '/a/{x} first'],
  ];
  it.each(several)('%s asked %s %s → %s: the most literal match wins', (lines, method, path, expected) => {
    expect(match(lines.split('|'), method, path)).toBe(expected);
    expect(
      match(
        lines.split('|').map((line, at) => (lines.includes('first') ? line : (lines.split('|').at(-1 - at) as string))),
        method,
        path,
      ),
    ).toBe(expected);
  });

  it('a path is matched by the template made of its own segments, and by no other of as many literals', () => {
    const segment = fc.stringMatching(/^[a-z0-9._~-]{1,6}$/);
    fc.assert(
      fc.property(
        fc.array(segment, { minLength: 1, maxLength: 5 }),
        fc.array(segment, { minLength: 1, maxLength: 5 }),
        (declared, asked) => {
          const path = `/${asked.join('/')}`;
          expect(match([`GET /${declared.join('/')} s`], 'GET', path) !== undefined).toBe(
            declared.join('/') === asked.join('/'),
          );
        },
      ),
    );
  });
});

describe('[T3] operations with conditions', () => {
  const yes = (): boolean => true;
  const no = (): boolean => false;
  const table = compileOperations([
    { method: 'POST', path: '/**', scopes: ['broad'] },
    { method: 'POST', path: '/pay/{id}', scopes: ['large'], conditions: { body: no } },
    { method: 'POST', path: '/pay/{id}', scopes: ['small'], conditions: { params: yes, query: yes, body: yes } },
    { method: 'POST', path: '/note', scopes: ['plain'] },
    { method: 'POST', path: '/note', scopes: ['careful'], conditions: { query: no } },
  ]);
  const judge = (path: string, query: string, body: unknown): string | undefined =>
    operationsFor(table, 'POST', path).find((one) => holds(one, { path, query, body }))?.scopes[0];

  it('the first that holds is it', () => {
    expect(judge('/pay/7', '?a=1', { amount: 1 })).toBe('small');
    expect(judge('/note', '', undefined)).toBe('plain');
    expect(judge('/else', '?;', undefined)).toBe('broad');
  });

  it.each([
    ['a body that is not there or could be read in two ways', '/pay/7', '', undefined],
    ['a query that could be read in two ways', '/pay/7', '?a=1;b=2', {}],
    ['a segment that is no text', '/pay/%ff', '', {}],
  ])('%s fits no condition, and no broader operation lets it through', (_, path, query, body) => {
    expect(judge(path, query, body)).toBeUndefined();
  });
});
