import { describe, expect, it } from '@jest/globals';
import { areConstraints, parseConstraints } from './constraints.js';

describe('constraints of a delegation', () => {
  it('are read as they are enforced', () => {
    expect(parseConstraints({})).toEqual({});
    expect(
      parseConstraints({
        not_before: '2030-01-01T00:00:00Z',
        max_calls: 3,
        operations: [{ method: 'GET', path: '/tickets/{id}' }, { mcp_tool: 'search' }, { method: '*', path: '/a/**' }],
      }),
    ).toEqual({
      notBefore: Date.UTC(2030, 0),
      maxCalls: 3,
      operations: [{ method: 'GET', path: '/tickets/{id}' }, { mcpTool: 'search' }, { method: '*', path: '/a/**' }],
    });
  });

  it.each([
    ['no object', 7],
    ['an unknown member', { color: 'red' }],
    ['a time that is none', { not_before: 'tomorrow' }],
    ['null', { not_before: null }],
    ['no call at all', { max_calls: 0 }],
    ['half a call', { max_calls: 1.5 }],
    ['calls as text', { max_calls: '3' }],
    ['no operation', { operations: [] }],
    ['too many operations', { operations: Array.from({ length: 65 }, () => ({ mcp_tool: 'a' })) }],
    ['an operation without a path', { operations: [{ method: 'GET' }] }],
    ['an operation of both kinds', { operations: [{ method: 'GET', path: '/', mcp_tool: 'a' }] }],
    ['a path that never matches', { operations: [{ method: 'GET', path: '/a/../b' }] }],
    ['a method that is none', { operations: [{ method: 'get', path: '/' }] }],
    ['a tool with spaces', { operations: [{ mcp_tool: 'a b' }] }],
  ])('[T2] are not %s', (_, value) => expect(areConstraints(value)).toBe(false));
});
