import { canonicalize } from '../../../kernel/canonical-json.js';
import type { JsonObject } from '../../../kernel/json.js';

/** The kinds of a configuration, in the order in which they can be made: each refers only to what stands before it. */
export const CONFIG_KINDS = ['zone', 'application', 'provider', 'resource', 'grant', 'policy_set'] as const;
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
  return Object.entries(wanted).some(
    ([name, value]) => name === 'secret' || canonicalize(value) !== canonicalize(current[name] ?? null),
  );
}

function withoutSecret({ secret, ...body }: JsonObject): JsonObject {
  return secret === undefined ? body : { ...body, secret: '[new]' };
}
