import type { RegExpEngine } from 'ajv/dist/types/index.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/json.js';
import { LinearPattern } from './linear-pattern.js';

/** Schemas that are validated against once for each time that they are referred to. */
const MOST_PARTS = 4_096;
/** Pairs of items are compared. */
const MOST_UNIQUE = 1_000;

/** Patterns of schemas, in linear time. */
export const LINEAR_PATTERNS: { readonly regExp: RegExpEngine } = {
  regExp: Object.assign((source: string) => new LinearPattern(source), { code: 'linear' }),
};

/**
 * What would let a schema take more time than its size and that of the value explain; undefined when nothing does. Whoever may write one zone's
 * schemas must not be able to stop the process for all others.
 */
export function costFault(schema: JsonObject): string | undefined {
  try {
    return new Parts(schema).count(schema) > MOST_PARTS ? `refers to more than ${MOST_PARTS} parts` : undefined;
  } catch (error) {
    if (error instanceof CostError) return error.message;
    throw error;
  }
}

class CostError extends Error {
  override readonly name = 'CostError';
}

/** Counts what a value is compared with, references followed. */
class Parts {
  private readonly counted = new Map<JsonValue, number>();
  private readonly open = new Set<JsonValue>();

  constructor(private readonly root: JsonObject) {}

  count(part: JsonValue): number {
    if (typeof part !== 'object' || part === null) return 1;
    const known = this.counted.get(part);
    if (known !== undefined) return known;
    if (this.open.has(part)) throw new CostError('must not refer to itself');
    this.open.add(part);
    if (isJsonObject(part)) requireFew(part);
    const members = Object.entries<JsonValue>(part as JsonObject).filter(([name]) => name !== '$defs');
    const sum = members.reduce((total, [name, member]) => total + this.count(member) + this.referred(name, member), 1);
    this.open.delete(part);
    this.counted.set(part, sum);
    return sum;
  }

  private referred(name: string, reference: JsonValue): number {
    if (name !== '$ref' || typeof reference !== 'string') return 0;
    const target = this.at(reference);
    return target === undefined ? 0 : this.count(target);
  }

  /** What a JSON Pointer of a fragment names (RFC 6901 §6). What leads elsewhere does not compile anyway. */
  private at(reference: string): JsonValue | undefined {
    if (!reference.startsWith('#')) return undefined;
    const steps = decodeURIComponent(reference.slice(1)).split('/').slice(1);
    return steps.reduce<JsonValue | undefined>(
      (part, step) =>
        typeof part === 'object' && part !== null
          ? (part as Record<string, JsonValue>)[step.replaceAll('~1', '/').replaceAll('~0', '~')]
          : undefined,
      this.root,
    );
  }
}

function requireFew({ uniqueItems, maxItems }: JsonObject): void {
  if (uniqueItems !== true) return;
  if (typeof maxItems === 'number' && maxItems <= MOST_UNIQUE) return;
  throw new CostError(`uniqueItems needs maxItems of at most ${MOST_UNIQUE}`);
}
