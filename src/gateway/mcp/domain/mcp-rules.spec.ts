import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../../kernel/json.js';
import type { McpMessage } from './mcp-message.js';
import {
  compileMcpRules,
  matchMcp,
  type McpKind,
  type McpRule,
  needOf,
  operationsFor,
  operationsForTemplate,
} from './mcp-rules.js';

const message = (method: string, params: JsonObject = {}): McpMessage => ({
  kind: 'request',
  id: 1,
  method,
  params,
  text: '',
});

const rule = (kind: McpKind, name: string, scope = name, accepts?: McpRule['accepts']): McpRule => ({
  kind,
  name,
  scopes: [scope],
  accepts,
});

const use = (kind: McpKind, name: string, args: JsonObject = {}) => ({ kind, name, args });
const everyPost = { template: '/**', scopes: ['post'] };

describe('[T3] needOf', () => {
  it.each([
    'initialize',
    'ping',
    'server/discover',
    'logging/setLevel',
    'tools/list',
    'prompts/list',
    'resources/list',
    'resources/templates/list',
    'notifications/cancelled',
  ])('%s is open to whoever holds any scope', (method) => {
    expect(needOf(message(method))).toEqual({ kind: 'common' });
  });

  it.each<[string, JsonObject, unknown]>([
    ['tools/call', { name: 'a', arguments: { x: 1 } }, [use('tool', 'a', { x: 1 })]],
    ['prompts/get', { name: 'a' }, [use('prompt', 'a')]],
    ['resources/read', { uri: 'u' }, [use('resource', 'u')]],
    ['resources/subscribe', { uri: 'u' }, [use('resource', 'u')]],
    ['completion/complete', { ref: { type: 'ref/prompt', name: 'a' } }, [use('prompt', 'a')]],
    ['completion/complete', { ref: { type: 'ref/resource', uri: 'u' } }, [use('resource', 'u')]],
    [
      'subscriptions/listen',
      { notifications: { resourceSubscriptions: ['u', 'v'] } },
      [use('resource', 'u'), use('resource', 'v')],
    ],
  ])('%s %j needs what it names', (method, params, uses) => {
    expect(needOf(message(method, params))).toEqual({ kind: 'named', uses });
  });

  it('what only tells of changed lists names nothing; unknown methods are left to operations on paths', () => {
    expect(needOf(message('subscriptions/listen', { notifications: { toolsListChanged: true } }))).toEqual({
      kind: 'common',
    });
    expect(needOf(message('tasks/result', { taskId: 'x' }))).toEqual({ kind: 'other' });
  });

  it.each<[string, JsonObject]>([
    ['tools/call', {}],
    ['tools/call', { name: '' }],
    ['tools/call', { name: ['a'] }],
    ['tools/call', { name: 'a', arguments: [] }],
    ['resources/read', { uri: 1 }],
    ['completion/complete', {}],
    ['completion/complete', { ref: { type: 'ref/tool', name: 'a' } }],
    ['subscriptions/listen', { notifications: { resourceSubscriptions: 'u' } }],
    ['subscriptions/listen', { notifications: { resourceSubscriptions: [1] } }],
  ])('nobody can say what %s %j needs', (method, params) => {
    expect(typeof needOf(message(method, params))).toBe('string');
  });
});

describe('[T3] matchMcp', () => {
  it('denies what is not named, once anything of the kind is; where nothing is, the operation on the path counts', () => {
    const rules = compileMcpRules([rule('tool', 'echo')]);
    expect(matchMcp(rules, use('tool', 'echo'), everyPost)?.scopes).toEqual(['echo']);
    expect(matchMcp(rules, use('tool', 'delete'), everyPost)).toBeUndefined();
    expect(matchMcp(rules, use('prompt', 'greet'), everyPost)).toEqual(everyPost);
    expect(matchMcp(rules, use('prompt', 'greet'), undefined)).toBeUndefined();
  });

  it('takes the most exact one: names, then longer patterns, then shorter ones', () => {
    const rules = compileMcpRules(['*', 'file:///docs/*', 'file:///docs/a'].map((name) => rule('resource', name)));
    const scopeOf = (uri: string) => matchMcp(rules, use('resource', uri), undefined)?.scopes[0];
    expect([scopeOf('file:///docs/a'), scopeOf('file:///docs/b'), scopeOf('db://x')]).toEqual([
      'file:///docs/a',
      'file:///docs/*',
      '*',
    ]);
  });

  it.each([
    'file:///docs/../etc/passwd',
    'file:///docs/%2e%2e/etc/passwd',
    'file:///docs/%252e%252e/x',
    'file:///docs/a%2fb',
    'file:///docs/a\\b',
    'file:///docs/a\u0000',
    'file:///docs/ a',
    'file:///docs/é',
  ])('no pattern covers %j, which may mean another place', (uri) => {
    expect(
      matchMcp(compileMcpRules([rule('resource', 'file:///docs/*')]), use('resource', uri), everyPost),
    ).toBeUndefined();
  });

  it.each(['DELETE', 'Delete', ' delete', 'delete ', 'delete\u200b'])(
    '`*` does not cover %j beside a tool `delete`',
    (name) => {
      const rules = compileMcpRules([rule('tool', '*', 'use'), rule('tool', 'delete', 'admin')]);
      expect(matchMcp(rules, use('tool', name), everyPost)).toBeUndefined();
      expect(matchMcp(rules, use('tool', 'delete'), everyPost)?.scopes).toEqual(['admin']);
      expect(matchMcp(rules, use('tool', 'other'), everyPost)?.scopes).toEqual(['use']);
    },
  );

  it('tries those that look at arguments first, in the order of their declaration; none of them: denied', () => {
    const below = (limit: number) => (args: JsonObject) => typeof args['n'] === 'number' && args['n'] < limit;
    const rules = compileMcpRules([rule('tool', 'pay', 'small', below(10)), rule('tool', 'pay', 'large', below(100))]);
    const scopeOf = (n: number) => matchMcp(rules, use('tool', 'pay', { n }), everyPost)?.scopes[0];
    expect([scopeOf(5), scopeOf(50), scopeOf(500)]).toEqual(['small', 'large', undefined]);
    const open = compileMcpRules([rule('tool', 'pay', 'rest'), rule('tool', 'pay', 'small', below(10))]);
    expect([5, 500].map((n) => matchMcp(open, use('tool', 'pay', { n }), undefined)?.scopes[0])).toEqual([
      'small',
      'rest',
    ]);
  });
});

describe('what a list may show', () => {
  it('everything under which a name could be used with some arguments', () => {
    const rules = compileMcpRules([rule('tool', 'pay', 'small', () => false), rule('tool', 'pay', 'rest')]);
    expect(operationsFor(rules, 'tool', 'pay', undefined).map(({ scopes }) => scopes[0])).toEqual(['small', 'rest']);
    expect(operationsFor(rules, 'tool', 'other', everyPost)).toEqual([]);
    expect(operationsFor(rules, 'prompt', 'p', everyPost)).toEqual([everyPost]);
  });

  it.each([
    ['file:///docs/{x}', true],
    ['file:///docs/sub/{x}', true],
    ['file:///{+path}', true],
    ['{+uri}', true],
    ['file:///etc/{x}', false],
    ['db://{x}', false],
  ])('a template when some resource of it could be used: %s', (template, shown) => {
    const rules = compileMcpRules([rule('resource', 'file:///docs/*')]);
    expect(operationsForTemplate(rules, template, everyPost).length > 0).toBe(shown);
  });
});
