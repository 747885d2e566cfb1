export type FormPair = readonly [name: string, value: string];

/**
 * A form as it was sent (application/x-www-form-urlencoded): every pair, in order, repeats included. Who reads it decides
 * which names may repeat; a name that is absent has no values.
 */
export class Form {
  constructor(readonly pairs: readonly FormPair[]) {}

  values(name: string): readonly string[] {
    return this.pairs.filter(([key]) => key === name).map(([, value]) => value);
  }
}

export type FormFault = 'too_many_parameters' | 'ill_formed_encoding' | 'control_character';

/** Thrown by {@link parseForm}; holds nothing of the text that was refused. */
export class FormError extends Error {
  override readonly name = 'FormError';

  constructor(readonly reason: FormFault) {
    super(`form refused: ${reason}`);
  }
}

const MAX_PARAMETERS = 1000;
const PERCENT = 0x25;
const PLUS = 0x2b;
const SPACE = 0x20;
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/**
 * Guarantees that every name and value is UTF-8 text without control characters, exactly as the bytes say: nothing is repaired
 * (RFC 6749 Appendix B). Throws {@link FormError} otherwise. The caller must not assume that names are unique.
 */
export function parseForm(bytes: Uint8Array): Form {
  if (bytes.length === 0) return new Form([]);
  const text = decodeUtf8(bytes);
  const parts = text.split('&', MAX_PARAMETERS + 1).filter((part) => part !== '');
  if (parts.length > MAX_PARAMETERS || count(text, '&') >= MAX_PARAMETERS) throw new FormError('too_many_parameters');
  return new Form(parts.map(parsePair));
}

function parsePair(part: string): FormPair {
  const equals = part.indexOf('=');
  return equals < 0 ? [decode(part), ''] : [decode(part.slice(0, equals)), decode(part.slice(equals + 1))];
}

function decode(encoded: string): string {
  const text = encoded.includes('%') || encoded.includes('+') ? decodeUtf8(unescape(encoded)) : encoded;
  if (CONTROL.test(text)) throw new FormError('control_character');
  return text;
}

function unescape(encoded: string): Uint8Array {
  const source = Buffer.from(encoded, 'utf8');
  const out = Buffer.allocUnsafe(source.length);
  let length = 0;
  for (let at = 0; at < source.length; at += 1) {
    const byte = source[at] as number;
    if (byte === PERCENT) {
      out[length] = hexByte(source, at + 1);
      at += 2;
    } else {
      out[length] = byte === PLUS ? SPACE : byte;
    }
    length += 1;
  }
  return out.subarray(0, length);
}

function hexByte(source: Uint8Array, at: number): number {
  const high = hexDigit(source[at]);
  const low = hexDigit(source[at + 1]);
  if (high < 0 || low < 0) throw new FormError('ill_formed_encoding');
  return high * 16 + low;
}

function hexDigit(byte: number | undefined): number {
  return byte === undefined ? -1 : '0123456789abcdef'.indexOf(String.fromCharCode(byte).toLowerCase());
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new FormError('ill_formed_encoding');
  }
}

function count(text: string, character: string): number {
  let found = 0;
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) found += 1;
  return found;
}
