import { type RawHeaders, valuesOf } from './upstream-request.js';

/** The byte sequences that would reveal a secret, longest first. */
export interface EchoForms {
  readonly forms: readonly Buffer[];
  readonly longest: number;
}

export const NO_ECHO: EchoForms = { forms: [], longest: 0 };

/** What is done about an answer's body: nothing, replace in a body read as a whole, replace as it flows, or cut at the first sight, perhaps of what it decodes to. */
export type EchoTreatment = 'none' | 'replace_whole' | 'replace_flowing' | 'cut' | 'cut_decoded';

/** Bodies up to this size are mended; longer ones are cut. */
export const MENDABLE_BYTES = 1_048_576;

const REDACTED = Buffer.from('[redacted]');
/** A shorter secret would be found everywhere. */
const SHORTEST = 4;
const TEXT =
  /^(?:text\/|application\/(?:[\w.+-]*\+)?(?:json|xml)|application\/(?:javascript|ecmascript|x-www-form-urlencoded|yaml|x-yaml|x-ndjson|graphql|problem|jwt)\b)/i;

/** Every spelling in which an upstream may echo one of the secrets: as it is, base64 and base64url, URL-escaped, JSON-escaped. */
export function echoForms(secrets: readonly string[]): EchoForms {
  const texts = new Set(secrets.filter((secret) => secret.length >= SHORTEST).flatMap(spellings));
  return longestFirst([...texts].map((text) => Buffer.from(text)));
}

/** What would give away a secret of either. */
export function joinForms(one: EchoForms, other: EchoForms): EchoForms {
  return longestFirst([...one.forms, ...other.forms]);
}

function longestFirst(forms: Buffer[]): EchoForms {
  const sorted = forms.sort((one, other) => other.length - one.length);
  return { forms: sorted, longest: sorted[0]?.length ?? 0 };
}

/** True when the bytes hold a secret in any of its forms. */
export function holdsEcho(bytes: Buffer, { forms }: EchoForms): boolean {
  return forms.some((form) => bytes.includes(form));
}

/** The bytes with every form replaced; the very same buffer when there is none. */
export function redactEcho(bytes: Buffer, { forms }: EchoForms): Buffer {
  return forms.reduce((rest, form) => replaceAll(rest, form), bytes);
}

/** How many bytes at the end could be the beginning of a form, so that they must not leave before the next ones are seen. */
export function heldBack(bytes: Buffer, { forms, longest }: EchoForms): number {
  for (let length = Math.min(longest - 1, bytes.length); length > 0; length -= 1) {
    const tail = bytes.subarray(bytes.length - length);
    if (forms.some((form) => form.length > length && form[0] === tail[0] && form.subarray(0, length).equals(tail)))
      return length;
  }
  return 0;
}

/** Header fields without those that hold a secret, in name or value; `found` when there was one. */
export function withoutEchoes(
  headers: RawHeaders,
  forms: EchoForms,
): { readonly headers: string[]; readonly found: boolean } {
  const kept: string[] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const [name = '', value = ''] = headers.slice(at, at + 2);
    if (!holdsEcho(Buffer.from(`${name}\n${value}`, 'latin1'), forms)) kept.push(name, value);
  }
  return { headers: kept, found: kept.length !== headers.length };
}

/**
 * What to do about the body of an answer with these fields. Only text is looked at; what cannot be mended without breaking it — events, parts
 * of a representation, long bodies — is cut.
 */
export function echoTreatment(status: number, headers: RawHeaders, forms: EchoForms): EchoTreatment {
  if (forms.forms.length === 0) return 'none';
  const type = valuesOf(headers, 'content-type')[0];
  if (type !== undefined && !TEXT.test(type.trim())) return 'none';
  if (contentCodings(headers).length > 0) return 'cut_decoded';
  if (status === 206 || type?.trim().toLowerCase().startsWith('text/event-stream') === true) return 'cut';
  const length = valuesOf(headers, 'content-length')[0];
  if (length === undefined) return 'replace_flowing';
  return Number(length) <= MENDABLE_BYTES ? 'replace_whole' : 'cut';
}

/** What was done to the body, in this order (RFC 9110 §8.4). */
export function contentCodings(headers: RawHeaders): string[] {
  return valuesOf(headers, 'content-encoding')
    .flatMap((value) => value.split(','))
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== '' && coding !== 'identity');
}

function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const escaped = encodeURIComponent(secret);
  const json = JSON.stringify(secret).slice(1, -1);
  return [
    secret,
    bytes.toString('base64'),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    ...base64Within(bytes),
    escaped,
    escaped.replace(/%[0-9A-F]{2}/g, (triplet) => triplet.toLowerCase()),
    escaped.replaceAll('%20', '+'),
    json,
    json.replaceAll('/', '\\/'),
  ];
}

/**
 * Base64 of any text that holds the secret, wherever in it: three bytes are four characters, so it stands in one of three alignments, of each of
 * which the characters count that no neighbouring byte has a part in.
 */
function base64Within(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((shift) => {
    const shifted = Buffer.concat([Buffer.alloc(shift), bytes]);
    const from = Math.ceil((shift * 8) / 6);
    const to = Math.floor((shifted.length * 8) / 6);
    return (['base64', 'base64url'] as const).map((form) => shifted.toString(form).slice(from, to));
  });
}

function replaceAll(bytes: Buffer, form: Buffer): Buffer {
  let at = bytes.indexOf(form);
  if (at < 0) return bytes;
  const parts: Buffer[] = [];
  let from = 0;
  for (; at >= 0; at = bytes.indexOf(form, from)) {
    parts.push(bytes.subarray(from, at), REDACTED);
    from = at + form.length;
  }
  return Buffer.concat([...parts, bytes.subarray(from)]);
}
