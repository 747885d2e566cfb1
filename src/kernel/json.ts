import { isWellFormed } from './well-formed.js';

export type JsonPrimitive = string | number | boolean | null;
export type JsonValue = JsonPrimitive | JsonObject | readonly JsonValue[];
export interface JsonObject {
  readonly [member: string]: JsonValue;
}

export type JsonFault =
  'syntax' | 'duplicate_member' | 'forbidden_member' | 'too_deep' | 'lone_surrogate' | 'number_out_of_range';

/** Thrown by {@link parseJsonStrict}; `reason` is stable and holds nothing of the text that was refused. */
export class StrictJsonError extends Error {
  override readonly name = 'StrictJsonError';

  constructor(readonly reason: JsonFault) {
    super(`JSON refused: ${reason}`);
  }
}

export interface StrictJsonOptions {
  /** Deepest nesting of arrays and objects that is accepted; a bare scalar has depth 0. */
  readonly maxDepth?: number;
}

const DEFAULT_MAX_DEPTH = 32;
const FORBIDDEN_MEMBERS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Guarantees that the value means the same to every conforming parser: no duplicate member names (RFC 8259 §4, RFC 8725 §3.10,
 * RFC 7515 §4), no number beyond a double, no lone surrogate (RFC 7493 §2.1), no member that reaches an object's prototype, bounded depth.
 * The caller must not assume anything about the shape of the value.
 */
export function parseJsonStrict(text: string, options: StrictJsonOptions = {}): JsonValue {
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch {
    throw new StrictJsonError('syntax');
  }
  if (!isWellFormed(text)) throw new StrictJsonError('lone_surrogate');
  new StructureScan(text, options.maxDepth ?? DEFAULT_MAX_DEPTH).run();
  return value;
}

/** True for a JSON object: not null, not an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;
const CLOSE_OBJECT = 0x7d;
const CLOSE_ARRAY = 0x5d;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const NUMBER = /-?[0-9.eE+-]+/y;

/** A second walk over text that is known to be valid JSON; it sees what JSON.parse silently resolves. */
class StructureScan {
  private position = 0;
  /** One entry per open container: the names seen in an object, undefined for an array. */
  private readonly open: (Set<string> | undefined)[] = [];

  constructor(
    private readonly text: string,
    private readonly maxDepth: number,
  ) {}

  run(): void {
    while (this.position < this.text.length) this.step(this.text.charCodeAt(this.position));
  }

  private step(code: number): void {
    if (code === QUOTE) {
      this.string();
    } else if (code === OPEN_OBJECT || code === OPEN_ARRAY) {
      this.enter(code === OPEN_OBJECT ? new Set() : undefined);
    } else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) {
      this.open.pop();
      this.position += 1;
    } else if (code === MINUS || (code >= ZERO && code <= NINE)) {
      this.number();
    } else {
      this.position += 1;
    }
  }

  private enter(names: Set<string> | undefined): void {
    this.open.push(names);
    if (this.open.length > this.maxDepth) throw new StrictJsonError('too_deep');
    this.position += 1;
  }

  private string(): void {
    const start = this.position;
    let end = start + 1;
    let escaped = false;
    for (let code = this.text.charCodeAt(end); code !== QUOTE; code = this.text.charCodeAt(end)) {
      escaped ||= code === BACKSLASH;
      end += code === BACKSLASH ? 2 : 1;
    }
    this.position = end + 1;
    const decoded = escaped ? (JSON.parse(this.text.slice(start, end + 1)) as string) : undefined;
    if (decoded !== undefined && !isWellFormed(decoded)) throw new StrictJsonError('lone_surrogate');
    const names = this.open.at(-1);
    if (names && this.isFollowedByColon()) this.member(names, decoded ?? this.text.slice(start + 1, end));
  }

  private isFollowedByColon(): boolean {
    let at = this.position;
    while (this.text.charCodeAt(at) <= 0x20) at += 1;
    return this.text.charCodeAt(at) === COLON;
  }

  private member(names: Set<string>, name: string): void {
    if (FORBIDDEN_MEMBERS.has(name)) throw new StrictJsonError('forbidden_member');
    if (names.has(name)) throw new StrictJsonError('duplicate_member');
    names.add(name);
  }

  private number(): void {
    NUMBER.lastIndex = this.position;
    const lexeme = NUMBER.exec(this.text)?.[0] ?? '';
    if (!Number.isFinite(Number(lexeme))) throw new StrictJsonError('number_out_of_range');
    this.position += lexeme.length;
  }
}
