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
    if (index > 0) text += ',';
    text += write(items[index], depth, absent);
  }
  return text + ']';
}

function writeObject(value: object, depth: number, absent: Absent): string {
  if (!isPlain(value)) throw new TypeError('canonical JSON carries plain objects only');
  const members = value as JsonObject;
  let text = '{';
  for (const name of sorted(Object.keys(members))) {
    const member: unknown = members[name];
    if (member === undefined && absent === 'drop') continue;
    if (text !== '{') text += ',';
    text += quotedName(name);
    text += write(member, depth, absent);
  }
  return text + '}';
}

const FEW = 32;

/** In place, by UTF-16 code units. Objects have few members, mostly in order already; `sort` would copy them twice. */
function sorted(names: string[]): string[] {
  if (names.length > FEW) return names.sort();
  for (let end = 1; end < names.length; end += 1) {
    const name = names[end] as string;
    let at = end - 1;
    for (; at >= 0 && (names[at] as string) > name; at -= 1) names[at + 1] = names[at] as string;
    names[at + 1] = name;
  }
  return names;
}

const MOST_NAMES = 1_024;
const LONGEST_NAME = 64;
const names = new Map<string, string>();

/** A member's name with its colon. The same few names are written over and over; what a stranger may have named is not kept without end. */
function quotedName(name: string): string {
  const known = names.get(name);
  if (known !== undefined) return known;
  const written = `${quote(name)}:`;
  if (names.size < MOST_NAMES && name.length <= LONGEST_NAME) names.set(name, written);
  return written;
}

/** True without a prototype or with one that ends the chain: Object.prototype of any realm, never that of a class. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
