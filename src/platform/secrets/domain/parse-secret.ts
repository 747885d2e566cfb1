import { checkSecretFormat } from '../../../kernel/client-secret.js';
import { Secret } from '../../../kernel/secret.js';
import { decodeKey } from './key-text.js';
import { keyWeakness, textWeakness } from './weakness.js';

/** A secret as it is used, or why it cannot be; the fault continues a sentence that begins with the secret's name. */
export type Parsed<T> = { readonly value: T } | { readonly fault: string };

/** The text is judged beside the bytes: `abcdefgh…` decodes to bytes without a pattern. */
export function parseKey(text: string): Parsed<Buffer> {
  const trimmed = text.trim();
  const key = decodeKey(trimmed);
  if (!key) return { fault: 'is not written in base64 or hexadecimal' };
  const weakness = keyWeakness(key) ?? textWeakness(trimmed);
  return weakness === undefined ? { value: key } : { fault: `is too weak: it ${weakness}` };
}

/** One key on each line: the first seals, all of them open. */
export function parseKeyRing(text: string): Parsed<readonly [Buffer, ...Buffer[]]> {
  const keys: Buffer[] = [];
  for (const line of text.split('\n').filter((part) => part.trim() !== '')) {
    const key = parseKey(line);
    if ('fault' in key) return key;
    keys.push(key.value);
  }
  const [first, ...others] = keys;
  return first ? { value: [first, ...others] } : { fault: 'holds no key' };
}

export function parsePassword(text: string): Parsed<Secret> {
  const weakness = textWeakness(text);
  return weakness === undefined ? { value: new Secret(text) } : { fault: `is too weak: it ${weakness}` };
}

export function parseAdminToken(text: string): Parsed<Secret> {
  if (checkSecretFormat('cat_', text)) return { value: new Secret(text) };
  return { fault: 'is not written as an admin token (cat_…, with its checksum)' };
}
