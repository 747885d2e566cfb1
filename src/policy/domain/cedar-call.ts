import type { CedarValueJson, Context, Entities, TypeAndId } from '@cedar-policy/cedar-wasm/nodejs';
import type { JsonObject } from '../../kernel/json.js';
import type { PolicyInput } from './policy-input.js';

/** A question in the engine's own words. */
export interface CedarCall {
  readonly principal: TypeAndId;
  readonly action: TypeAndId;
  readonly resource: TypeAndId;
  readonly context: Context;
  readonly entities: Entities;
}

/** Turns a recorded input into the engine's request; the same input gives the same request, so decisions can be replayed. */
export function cedarCall(input: PolicyInput): CedarCall {
  const principal = entity(input.principal['type'] as string, input.principal['id'] as string);
  return {
    principal,
    action: entity('Action', input.action),
    resource: entity('Resource', input.resource),
    context: contextOf(input.context),
    entities: [{ uid: principal, attrs: {}, parents: parentsOf(input.principal) }],
  };
}

function entity(type: string, id: string): TypeAndId {
  return { type, id };
}

function parentsOf(principal: JsonObject): TypeAndId[] {
  if (principal['type'] !== 'Session') return [];
  const labels = (principal['labels'] ?? []) as string[];
  return [entity('Application', principal['application'] as string), ...labels.map((label) => entity('Label', label))];
}

function contextOf(context: JsonObject): Context {
  const { address, ...rest } = context;
  const values = rest as Record<string, CedarValueJson>;
  return typeof address === 'string' ? { ...values, address: { __extn: { fn: 'ip', arg: address } } } : values;
}
