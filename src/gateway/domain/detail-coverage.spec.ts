import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../kernel/json.js';
import { type DetailedCall, judgeDetails } from './detail-coverage.js';

const detailsAllow = (details: readonly JsonObject[] | undefined, call: DetailedCall): boolean =>
  judgeDetails(details, call) !== undefined;

const CALL: DetailedCall = {
  locations: ['https://a.example', 'http://gw/a'],
  method: 'GET',
  path: '/repos/acme/issues',
  scopes: new Set(['read', 'list']),
  now: Date.parse('2030-01-01T00:00:00Z'),
};
const allows = (detail: JsonObject, call: Partial<DetailedCall> = {}): boolean =>
  detailsAllow([{ type: 'x', ...detail }], { ...CALL, ...call });

describe('authorization details limit a call (RFC 9396)', () => {
  it.each<[string, JsonObject, boolean]>([
    ['nothing that the gateway knows', { amount: 5 }, true],
    ['all its scopes as actions', { actions: ['read', 'list', 'write'] }, true],
    ['one of its scopes as action', { actions: ['read'] }, false],
    ['its method as action', { actions: ['GET'] }, true],
    ['another method as action', { actions: ['POST'] }, false],
    ['actions that are no list', { actions: 'GET' }, false],
    ['its method', { method: 'GET' }, true],
    ['another method', { method: 'POST' }, false],
    ['its path', { path: '/repos/{owner}/issues' }, true],
    ['all below its path', { path: '/repos/**' }, true],
    ['another path', { path: '/repos/{owner}' }, false],
    ['another method and its path', { method: 'DELETE', path: '/repos/**' }, false],
    ['a path that is no text', { path: 7 }, false],
    [
      'its operation among others',
      {
        operations: [
          { method: 'POST', path: '/**' },
          { method: 'GET', path: '/repos/**' },
        ],
      },
      true,
    ],
    ['other operations', { operations: [{ method: 'POST', path: '/**' }] }, false],
    ['a tool', { operations: [{ mcp_tool: 'search' }] }, false],
    ['its operation but another method', { method: 'POST', operations: [{ method: 'GET', path: '/**' }] }, false],
    ['an end ahead', { valid_until: '2030-01-01T00:00:01Z' }, true],
    ['an end that has come', { valid_until: '2030-01-01T00:00:00Z' }, false],
    ['an end that is no time', { valid_until: 'x' }, false],
  ])('[T3] %s: %j → %s', (_name, detail, expected) => {
    expect(allows(detail)).toBe(expected);
  });

  it('a tool is named by its operation or as an action', () => {
    const call = { method: 'POST', path: '/', tool: 'search' };
    expect(allows({ operations: [{ mcp_tool: 'search' }] }, call)).toBe(true);
    expect(allows({ operations: [{ mcp_tool: 'delete' }] }, call)).toBe(false);
    expect(allows({ actions: ['search'] }, call)).toBe(true);
    expect(allows({ actions: ['read'] }, { ...call, scopes: undefined })).toBe(false);
  });

  it('one that covers it is enough; those for other resources do not count', () => {
    const here = { type: 'x', method: 'POST', locations: ['http://gw/a'] };
    const elsewhere = { type: 'x', method: 'POST', locations: ['https://b.example'] };
    expect(detailsAllow([here, { type: 'x', method: 'GET' }], CALL)).toBe(true);
    expect(detailsAllow([here], CALL)).toBe(false);
    expect(detailsAllow([elsewhere], CALL)).toBe(true);
    expect(detailsAllow(undefined, CALL)).toBe(true);
  });

  it('calls are counted only when no object without a limit covers the call', () => {
    const counted = { type: 'x', max_calls: 3 };
    expect(judgeDetails([{ type: 'x', method: 'POST' }, counted], CALL)).toEqual([{ at: 1, max: 3 }]);
    expect(judgeDetails([counted, { type: 'x', max_calls: 'many' }], CALL)).toEqual([
      { at: 0, max: 3 },
      { at: 1, max: 0 },
    ]);
    expect(judgeDetails([counted, { type: 'x' }], CALL)).toEqual([]);
    expect(judgeDetails([], CALL)).toEqual([]);
  });
});
