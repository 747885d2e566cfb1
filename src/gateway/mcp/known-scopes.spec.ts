import { describe, expect, it } from '@jest/globals';
import type { Binding } from '../bindings.js';
import { compileOperations } from '../domain/operation.js';
import { compileMcpRules, type McpRule } from './domain/mcp-rules.js';
import { knownScopes } from './known-scopes.js';

const POST = { method: 'POST', path: '/mcp' };

function rules(paths: readonly { scopes: string[]; body?: boolean }[], named: readonly McpRule[] = [], mcp = true) {
  const operations = paths.map(({ scopes, body }) => ({
    ...POST,
    scopes,
    ...(body ? { conditions: { body: () => true } } : {}),
  }));
  const resource = { mcp } as Binding['resource'];
  return { resource, operations: compileOperations(operations), mcp: compileMcpRules(named) };
}
const asked = (...rawHeaders: string[]) => ({ ...POST, rawHeaders });

describe('knownScopes', () => {
  it('are those of the path where tools are not told apart', () => {
    expect(knownScopes(rules([{ scopes: ['b', 'a'] }]), asked())).toBe('a b');
    expect(knownScopes(rules([{ scopes: ['a'] }]), { ...asked(), path: '/other' })).toBeUndefined();
    expect(knownScopes(rules([{ scopes: ['a'] }], [], false), asked())).toBeUndefined();
  });

  it('are unknown when the body decides between different ones', () => {
    const byBody = (scope: string) => rules([{ scopes: ['a'], body: true }, { scopes: [scope] }]);
    expect([knownScopes(byBody('b'), asked()), knownScopes(byBody('a'), asked())]).toEqual([undefined, 'a']);
  });

  it('are those of the tool that the header fields mirror, whatever its arguments', () => {
    const tools: McpRule[] = [
      { kind: 'tool', name: 'pay', scopes: ['small'], accepts: () => true },
      { kind: 'tool', name: 'pay', scopes: ['large'] },
      { kind: 'tool', name: 'read', scopes: ['read'] },
    ];
    const at = (method: string, name: string) =>
      knownScopes(rules([{ scopes: ['a'] }], tools), asked('Mcp-Method', method, 'mcp_name', name));
    expect([at('tools/call', 'read'), at('tools/call', 'pay'), at('tools/call', 'other')]).toEqual([
      'read',
      undefined,
      undefined,
    ]);
    expect([at('prompts/get', 'greet'), at('tools/list', '')]).toEqual(['a', undefined]);
    expect(knownScopes(rules([{ scopes: ['a'] }], tools), asked())).toBeUndefined();
  });
});
