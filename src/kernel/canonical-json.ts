import type { JsonObject, JsonValue } from './json.js';
import { isWellFormed } from './well-formed.js';

const MAX_DEPTH = 128;

/** What happens to a member whose value is `undefined`. */
type Absent = 'refuse' | 'drop';

/**
 * Guarantees one text for one value, the JSON Canonicalization Scheme (RFC 8785): members sorted by UTF-16 code units (§3.2.3),
 * numbers and strings as ECMAScript prints them (§3.2.2). Throws TypeError on anything that JSON cannot carry unchanged: NaN, infinities,
 * undefined, functions, bigints, lone surrogates, instances of classes. The caller must not assume that `-0` survives: it prints as `0`.
 */
export function canonicalize(value: JsonValue): string {
  return write(value, 0, 'refuse');
}

/** The same for a value whose members may be `undefined`: such a member is left out, as if it were not there. */
export function canonicalizePresent(value: object): string {
  return write(value, 0, 'drop');
}

function write(value: unknown, depth: number, absent: Absent): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number') return writeNumber(value);
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (typeof value === 'object') return writeContainer(value, depth + 1, absent);
  throw new TypeError(`canonical JSON cannot carry a ${typeof value}`);
}

function writeNumber(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError('canonical JSON cannot carry NaN or an infinity');
  return value === 0 ? '0' : String(value);
}

/** Text that stands in JSON as it is; most text does, and then nothing has to be looked at twice. */
const VERBATIM = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

function quote(text: string): string {
  if (VERBATIM.test(text)) return `"${text}"`;
  if (!isWellFormed(text)) throw new TypeError('canonical JSON cannot carry a lone surrogate');
  return JSON.stringify(text);
}

function writeContainer(value: object, depth: number, absent: Absent): string {
  if (depth > MAX_DEPTH) throw new TypeError('canonical JSON is nested too deeply');
  return Array.isArray(value) ? writeArray(value, depth, absent) : writeObject(value, depth, absent);
}

function writeArray(items: readonly unknown[], depth: number, absent: Absent): string {
  let text = '[';
  for (let index = 0; index < items.length; index += 1) {
    text += (index === 0 ? '' : ',') + write(items[index], depth, absent);
  }
  return `${text}]`;
}

function writeObject(value: object, depth: number, absent: Absent): string {
  if (!isPlain(value)) throw new TypeError('canonical JSON carries plain objects only');
  const members = value as JsonObject;
  let text = '';
  for (const name of Object.keys(members).sort()) {
    const member: unknown = members[name];
    if (member === undefined && absent === 'drop') continue;
    text += `${text === '' ? '' : ','}${quote(name)}:${write(member, depth, absent)}`;
  }
  return `{${text}}`;
}

/** True without a prototype or with one that ends the chain: Object.prototype of any realm, never that of a class. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
