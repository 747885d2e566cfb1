import type { JsonObject, JsonValue } from '../../../kernel/json.js';
import { isJsonObject } from '../../../kernel/json.js';
import type { MatchedOperation } from '../../domain/operation.js';
import { refusalOfPath } from '../../domain/path-rule.js';
import type { McpMessage } from './mcp-message.js';

/** What can be named by an operation of an MCP server. */
export type McpKind = 'tool' | 'prompt' | 'resource';

/** What a message does, as far as it is told apart. */
export type McpNeed =
  /** Open to whoever holds any scope of the resource: handshake, liveness, lists, notifications, answers. */
  | { readonly kind: 'common' }
  /** Of one of the kinds that can be named; all of them are needed. */
  | { readonly kind: 'named'; readonly uses: readonly [McpUse, ...McpUse[]] }
  | { readonly kind: 'other' };

/** A tool, prompt or resource that is used. */
export interface McpUse {
  readonly kind: McpKind;
  readonly name: string;
  readonly args: JsonObject;
}

/** One operation on a tool, prompt or resource as it is declared. */
export interface McpRule {
  readonly kind: McpKind;
  /** As declared: a name, `*`, or for resources a URI that may end in `*`. */
  readonly name: string;
  readonly scopes: readonly string[];
  /** True when the arguments are what this operation is for; absent when it is for all. */
  readonly accepts?: ((args: JsonObject) => boolean) | undefined;
  /** The arguments that policies and the ledger may see. */
  readonly declared?: readonly string[] | undefined;
}

/** The operations of a kind, in the order in which they are tried. */
export type McpRules = Readonly<Record<McpKind, readonly McpRule[]>>;

export interface McpMatch extends MatchedOperation {
  readonly declared?: readonly string[] | undefined;
}

const COMMON: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'response',
  'server/discover',
  'logging/setLevel',
  'tools/list',
  'resources/list',
  'resources/templates/list',
  'prompts/list',
]);
/** A tool, prompt or URI that a wildcard may stand for: nothing that is trimmed, folded or decoded on the way to its meaning. */
const PLAIN_NAME = /^[\x21-\x7e]{1,1024}$/;

/** Orders rules so that the first match is the most exact one: names before patterns, longer patterns first, those that look at arguments first. */
export function compileMcpRules(rules: readonly McpRule[]): McpRules {
  const of = (kind: McpKind): McpRule[] =>
    rules.filter((rule) => rule.kind === kind).sort((one, other) => precedence(one) - precedence(other));
  return { tool: of('tool'), prompt: of('prompt'), resource: of('resource') };
}

function precedence({ name, accepts }: McpRule): number {
  const specificity = isPattern(name) ? 1_000_000 - name.length * 2 : 0;
  return specificity + (accepts ? 0 : 1);
}

/** What a method uses by a name that header fields mirror (MCP 2026-07-28, “Standard Headers”); undefined for any other. */
export function usesOf(method: string): McpKind | undefined {
  return MIRRORED.get(method);
}

const MIRRORED: ReadonlyMap<string, McpKind> = new Map([
  ['tools/call', 'tool'],
  ['prompts/get', 'prompt'],
  ['resources/read', 'resource'],
]);

/** What a message needs, or why nobody can say. */
export function needOf({ method, params, kind }: McpMessage): McpNeed | string {
  if (kind === 'response' || COMMON.has(method) || method.startsWith('notifications/')) return { kind: 'common' };
  return NEEDS.get(method)?.(params) ?? { kind: 'other' };
}

const resourceNeed = (params: JsonObject): McpNeed | string => named('resource', params['uri'], undefined);

const NEEDS: ReadonlyMap<string, (params: JsonObject) => McpNeed | string> = new Map([
  ['tools/call', (params) => named('tool', params['name'], params['arguments'])],
  ['prompts/get', (params) => named('prompt', params['name'], params['arguments'])],
  ['resources/read', resourceNeed],
  ['resources/subscribe', resourceNeed],
  ['resources/unsubscribe', resourceNeed],
  ['completion/complete', (params) => completion(params['ref'])],
  ['subscriptions/listen', subscription],
]);

function named(kind: McpKind, name: JsonValue | undefined, args: JsonValue | undefined): McpNeed | string {
  if (typeof name !== 'string' || name === '') return `a ${kind} without a name`;
  if (args !== undefined && !isJsonObject(args)) return 'arguments is no object';
  return { kind: 'named', uses: [{ kind, name, args: args ?? {} }] };
}

/** A completion gives away what a prompt or template would take (2025-11-25, “Completion”). */
function completion(ref: JsonValue | undefined): McpNeed | string {
  if (ref === undefined || !isJsonObject(ref)) return 'a completion without a reference';
  if (ref['type'] === 'ref/prompt') return named('prompt', ref['name'], undefined);
  return ref['type'] === 'ref/resource' ? named('resource', ref['uri'], undefined) : 'a reference of unknown type';
}

/** Notifications about lists say nothing; those about a resource say that it changed (2026-07-28, “Subscriptions”). */
function subscription(params: JsonObject): McpNeed | string {
  const asked = params['notifications'];
  const uris = isJsonObject(asked) ? asked['resourceSubscriptions'] : undefined;
  if (uris === undefined) return { kind: 'common' };
  if (!Array.isArray(uris) || !uris.every((uri) => typeof uri === 'string')) return 'resourceSubscriptions is no list';
  const [first, ...others] = uris.map((name): McpUse => ({ kind: 'resource', name, args: {} }));
  return first ? { kind: 'named', uses: [first, ...others] } : { kind: 'common' };
}

/**
 * The operation that covers a name, deny by default. Once a resource names operations of a kind, only they count; where it names none, the
 * operation on the method and path does (`fallback`). A pattern covers no name that could mean another one: in another case, with dot segments.
 */
export function matchMcp(
  rules: McpRules,
  { kind, name, args }: McpUse,
  fallback: MatchedOperation | undefined,
): McpMatch | undefined {
  const ofKind = rules[kind];
  if (ofKind.length === 0) return fallback;
  const exact = ofKind.filter((rule) => rule.name === name && !isPattern(rule.name));
  const candidates = exact.length > 0 ? exact : patternsFor(ofKind, name);
  const rule = candidates.find(({ accepts }) => accepts === undefined || accepts(args));
  return rule && { template: templateOf(rule), scopes: rule.scopes, declared: rule.declared };
}

/** Every operation that a name could be used under with some arguments. */
export function operationsFor(
  rules: McpRules,
  kind: McpKind,
  name: string,
  fallback: MatchedOperation | undefined,
): readonly MatchedOperation[] {
  if (rules[kind].length === 0) return fallback ? [fallback] : [];
  const exact = rules[kind].filter((rule) => rule.name === name && !isPattern(rule.name));
  const candidates = exact.length > 0 ? exact : patternsFor(rules[kind], name);
  return candidates.map((rule) => ({ template: templateOf(rule), scopes: rule.scopes }));
}

/** Every operation that some resource of a URI template (RFC 6570) could be used under. */
export function operationsForTemplate(
  rules: McpRules,
  template: string,
  fallback: MatchedOperation | undefined,
): readonly MatchedOperation[] {
  if (rules.resource.length === 0) return fallback ? [fallback] : [];
  const literal = template.split('{', 1)[0] ?? '';
  return rules.resource
    .filter(({ name }) => {
      const prefix = isPattern(name) ? name.slice(0, -1) : name;
      return prefix.startsWith(literal) || (isPattern(name) && literal.startsWith(prefix));
    })
    .map((rule) => ({ template: templateOf(rule), scopes: rule.scopes }));
}

function patternsFor(rules: readonly McpRule[], name: string): readonly McpRule[] {
  if (!isPlain(name)) return [];
  const folded = name.toLowerCase();
  if (rules.some((rule) => !isPattern(rule.name) && rule.name.toLowerCase() === folded)) return [];
  return rules.filter((rule) => isPattern(rule.name) && name.startsWith(rule.name.slice(0, -1)));
}

function isPlain(name: string): boolean {
  return PLAIN_NAME.test(name) && refusalOfPath(name.replace(/^[A-Za-z][A-Za-z0-9+.-]*:/, '')) === undefined;
}

function isPattern(name: string): boolean {
  return name.endsWith('*');
}

function templateOf({ kind, name }: McpRule): string {
  return kind === 'tool' ? `mcp:${name}` : `mcp:${kind}:${name}`;
}
