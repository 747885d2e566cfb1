import type { FieldFault } from '../../../kernel/app-error.js';
import type { JsonObject } from '../../../kernel/json.js';
import type { MemberRule } from './oauth-fields.js';
import { OBTAINED_KINDS } from './oauth-kinds.js';
import * as fields from './provider-fields.js';
import type { FieldRule } from './provider-fields.js';

/** Every kind of the contract. */
export const PROVIDER_KINDS = [
  'none',
  'mandate',
  'api_key',
  'bearer',
  'basic',
  'oauth2_client_credentials',
  'oauth2_jwt_bearer',
  'oauth2_authorization_code',
  'oauth2_token_exchange',
  'aws_sigv4',
  'mtls',
] as const;
export type ProviderKind = (typeof PROVIDER_KINDS)[number];

interface Member {
  readonly rule: MemberRule;
  readonly optional?: boolean;
}

interface KindRules {
  readonly config: Readonly<Record<string, Member>>;
  readonly secret: Readonly<Record<string, Member>>;
}

const KINDS: Readonly<Record<ProviderKind, KindRules>> = {
  none: { config: {}, secret: {} },
  mandate: { config: {}, secret: {} },
  api_key: {
    config: { in: text(fields.placement), name: text(fields.headerName), prefix: optional(fields.valuePrefix) },
    secret: { value: text(fields.tokenSecret) },
  },
  bearer: {
    config: { header: optional(fields.headerName), scheme: optional(fields.scheme) },
    secret: { token: text(fields.tokenSecret) },
  },
  basic: { config: { username: text(fields.basicUser) }, secret: { password: text(fields.basicPassword) } },
  ...OBTAINED_KINDS,
};

export function isProviderKind(text: unknown): text is ProviderKind {
  return PROVIDER_KINDS.includes(text as ProviderKind);
}

/** What is wrong with the kind itself, or undefined when providers of it can be made. */
export function kindFault(kind: string): string | undefined {
  return isProviderKind(kind) ? undefined : `must be one of ${PROVIDER_KINDS.join(', ')}`;
}

/** True for a kind whose secret is stored sealed and sent upstream. */
export function holdsSecret(kind: string): boolean {
  const rules = isProviderKind(kind) ? KINDS[kind] : undefined;
  return rules === undefined || Object.keys(rules.secret).length > 0;
}

/** True for a kind that puts a credential, stored or made for the call, into what is sent upstream. */
export function injectsCredential(kind: string): boolean {
  return kind !== 'none';
}

/** What is wrong with the configuration of a provider of this kind. Values come from outside: nothing is assumed of their types. */
export function configFaults(kind: ProviderKind, config: JsonObject): readonly FieldFault[] {
  const inQuery = kind === 'api_key' && config['in'] === 'query';
  const rules: Readonly<Record<string, Member>> = KINDS[kind].config;
  return memberFaults('config', inQuery ? { ...rules, name: text(fields.queryName) } : rules, config);
}

/** What is wrong with the secret of a provider of this kind. The messages never repeat a value. */
export function secretFaults(kind: ProviderKind, secret: JsonObject): readonly FieldFault[] {
  return memberFaults('secret', KINDS[kind].secret, secret);
}

function memberFaults(group: string, rules: Readonly<Record<string, Member>>, given: JsonObject): FieldFault[] {
  const faults: FieldFault[] = [];
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(rules, name))
      faults.push({ field: `${group}.${name}`, message: 'is not a member of this kind' });
  }
  for (const [name, member] of Object.entries(rules)) {
    const message = memberFault(given[name], member.rule, member.optional === true);
    if (message !== undefined) faults.push({ field: `${group}.${name}`, message });
  }
  return faults;
}

function memberFault(value: JsonObject[string] | undefined, rule: MemberRule, mayMiss: boolean): string | undefined {
  if (value === undefined) return mayMiss ? undefined : 'is required';
  return rule(value);
}

function text(rule: FieldRule): Member {
  return { rule: (value) => (typeof value === 'string' ? rule(value) : 'must be a string') };
}

function optional(rule: FieldRule): Member {
  return { ...text(rule), optional: true };
}
