import { canonicalize } from '../../../kernel/canonical-json.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/json.js';

/** The kinds of a configuration, in the order in which they can be made: each refers only to what stands before it. */
export const CONFIG_KINDS = [
  'zone',
  'application',
  'provider',
  'subject_issuer',
  'resource',
  'grant',
  'policy_set',
  'webhook',
] as const;
export type ConfigKind = (typeof CONFIG_KINDS)[number];

/** An object as a configuration writes it: without what the server makes, other objects by their names. */
export interface ConfigItem {
  readonly kind: ConfigKind;
  readonly zone: string;
  /** What it is known by in its zone. */
  readonly key: string;
  readonly body: JsonObject;
}

/** An object that is there. */
export interface CurrentItem extends ConfigItem {
  readonly id: string;
  /** Made by the server: others refer to it, and no configuration holds it. */
  readonly builtIn?: boolean;
}

export interface ConfigChange {
  readonly op: 'create' | 'update';
  readonly kind: ConfigKind;
  readonly zone: string;
  readonly key: string;
  /** Null until it has been made. */
  readonly id: string | null;
  readonly before: JsonObject | null;
  readonly after: JsonObject;
}

/** What must be done so that everything that is wanted is there. Members that are not named, and objects that are not, stay as they are. */
export function configPlan(wanted: readonly ConfigItem[], current: readonly CurrentItem[]): ConfigChange[] {
  const known = new Map(current.map((item) => [placeOf(item), item]));
  return wanted.flatMap((item) => {
    const there = known.get(placeOf(item));
    if (!there) return [changeOf('create', item, null)];
    return differs(item.body, there.body) ? [changeOf('update', item, there)] : [];
  });
}

/** The place of an object in a configuration; two objects of one place are one. */
export function placeOf({ kind, zone, key }: Pick<ConfigItem, 'kind' | 'zone' | 'key'>): string {
  return JSON.stringify([kind, zone, key]);
}

function changeOf(op: ConfigChange['op'], item: ConfigItem, there: CurrentItem | null): ConfigChange {
  const { kind, zone, key, body } = item;
  const after = withoutSecret({ ...there?.body, ...body });
  return { op, kind, zone, key, id: there?.id ?? null, before: there?.body ?? null, after };
}

/** A secret is never shown, so one that is given is always new. */
function differs(wanted: JsonObject, current: JsonObject): boolean {
  return Object.entries(wanted).some(([name, value]) =>
    name === 'secret' ? !isKept(value) : canonicalize(value) !== canonicalize(current[name] ?? null),
  );
}

/** `{"set": true}` stands for the secret that is there: what is exported in its place. */
export function isKept(secret: JsonValue | undefined): boolean {
  return isJsonObject(secret) && secret['set'] === true && Object.keys(secret).length === 1;
}

function withoutSecret(body: JsonObject): JsonObject {
  return body['secret'] === undefined || isKept(body['secret']) ? body : { ...body, secret: '[new]' };
}
