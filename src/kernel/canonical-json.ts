import type { JsonObject, JsonValue } from './json.js';
import { isWellFormed } from './well-formed.js';

const MAX_DEPTH = 128;

/**
 * Guarantees one text for one value, the JSON Canonicalization Scheme (RFC 8785): members sorted by UTF-16 code units (§3.2.3),
 * numbers and strings as ECMAScript prints them (§3.2.2). Throws TypeError on anything that JSON cannot carry unchanged: NaN, infinities,
 * undefined, functions, bigints, lone surrogates, instances of classes. The caller must not assume that `-0` survives: it prints as `0`.
 */
export function canonicalize(value: JsonValue): string {
  return write(value, 0);
}

function write(value: unknown, depth: number): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number') return writeNumber(value);
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (typeof value === 'object') return writeContainer(value, depth + 1);
  throw new TypeError(`canonical JSON cannot carry a ${typeof value}`);
}

function writeNumber(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError('canonical JSON cannot carry NaN or an infinity');
  return value === 0 ? '0' : String(value);
}

function quote(text: string): string {
  if (!isWellFormed(text)) throw new TypeError('canonical JSON cannot carry a lone surrogate');
  return JSON.stringify(text);
}

function writeContainer(value: object, depth: number): string {
  if (depth > MAX_DEPTH) throw new TypeError('canonical JSON is nested too deeply');
  return Array.isArray(value) ? writeArray(value, depth) : writeObject(value, depth);
}

function writeArray(items: readonly unknown[], depth: number): string {
  let text = '[';
  for (let index = 0; index < items.length; index += 1) {
    text += (index === 0 ? '' : ',') + write(items[index], depth);
  }
  return `${text}]`;
}

function writeObject(value: object, depth: number): string {
  if (!isPlain(value)) throw new TypeError('canonical JSON carries plain objects only');
  const members = value as JsonObject;
  const names = Object.keys(members).sort();
  let text = '{';
  for (let index = 0; index < names.length; index += 1) {
    const name = names[index] as string;
    text += `${index === 0 ? '' : ','}${quote(name)}:${write(members[name], depth)}`;
  }
  return `${text}}`;
}

/** True without a prototype or with one that ends the chain: Object.prototype of any realm, never that of a class. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
