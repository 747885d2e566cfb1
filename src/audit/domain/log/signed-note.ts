import { createHash, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';

const ED25519 = 0x01;
const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex');
const ED25519_KEY_BYTES = 32;
const MOST_SIGNATURES = 100;
const MOST_CHARACTERS = 1_000_000;
const NAME = /^[^\s+\u0085\u180e\u200b]+$/u;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const SIGNATURE_LINE = /^\u2014 (\S+) (\S+)$/u;

/** A note that is malformed, or not signed by the key that was asked for; `message` says which. */
export class NoteError extends Error {
  override readonly name = 'NoteError';
}

/** Somebody's public key, by name (C2SP signed-note). */
export interface NoteVerifier {
  readonly name: string;
  readonly keyId: Buffer;
  readonly key: KeyObject;
}

export interface NoteSignature {
  readonly name: string;
  readonly keyId: Buffer;
  readonly signature: Buffer;
}

/** The bytes of standard base64 (RFC 4648 §4), undefined when it is anything else. */
export function decodeBase64(text: string): Buffer | undefined {
  if (!BASE64.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

/** Reads a verifier key `<name>+<key id>+<base64(0x01 ‖ public key)>`. Throws {@link NoteError}. */
export function parseVerifierKey(vkey: string): NoteVerifier {
  const [, name = '', id = '', encoded = ''] = /^([^+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(vkey) ?? [];
  const typed = decodeBase64(encoded);
  if (!NAME.test(name) || typed?.length !== 1 + ED25519_KEY_BYTES || typed[0] !== ED25519)
    throw new NoteError('the verifier key is not <name>+<key id>+<Ed25519 public key>');
  const keyId = noteKeyId(name, typed);
  if (keyId.toString('hex') !== id) throw new NoteError('the verifier key’s id is not the one of its name and key');
  const key = createPublicKey({ key: Buffer.concat([ED25519_SPKI, typed.subarray(1)]), format: 'der', type: 'spki' });
  return { name, keyId, key };
}

/** Signs a text that ends with a newline; the result is a note with this one signature. */
export function signNote(text: string, signer: { readonly name: string; readonly key: KeyObject }): string {
  return `${text}\n${signatureLine(text, signer)}\n`;
}

/** The line that says that `signer` has signed the text. */
export function signatureLine(text: string, { name, key }: { readonly name: string; readonly key: KeyObject }): string {
  const keyId = noteKeyId(name, typedPublicKey(key));
  const signature = sign(null, Buffer.from(text, 'utf8'), key);
  return `\u2014 ${name} ${Buffer.concat([keyId, signature]).toString('base64')}`;
}

/** Takes a note apart without verifying anything. Throws {@link NoteError}. */
export function parseNote(note: string): { readonly text: string; readonly signatures: readonly NoteSignature[] } {
  const split = note.lastIndexOf('\n\n');
  // Control characters other than the newline have no place in a note.
  if (note.length > MOST_CHARACTERS || /[\x00-\x09\x0b-\x1f]/.test(note) || split < 0 || !note.endsWith('\n'))
    throw new NoteError('malformed note');
  const lines = note.slice(split + 2, -1).split('\n');
  if (lines.length > MOST_SIGNATURES) throw new NoteError('the note has too many signatures');
  return { text: note.slice(0, split + 1), signatures: lines.map(parseSignature) };
}

/** A note's text, and which of the verifiers has signed it. */
export interface OpenedNote {
  readonly text: string;
  readonly signer: NoteVerifier;
}

/**
 * The text of a note that at least one of `verifiers` has signed, all of whose signatures must then be right; those of others are ignored. The
 * signer is the first of them in the order given. Throws {@link NoteError}.
 */
export function openNote(note: string, verifiers: readonly NoteVerifier[]): OpenedNote {
  const { text, signatures } = parseNote(note);
  const signed = (by: NoteVerifier) =>
    signatures.filter(({ name, keyId }) => name === by.name && keyId.equals(by.keyId));
  const signers = verifiers.filter((verifier) => signed(verifier).length > 0);
  const [signer] = signers;
  if (!signer) throw new NoteError(`the note is not signed by ${verifiers[0]?.name ?? 'anybody who is known'}`);
  const bytes = Buffer.from(text, 'utf8');
  const wrong = signers.find((by) => !signed(by).every(({ signature }) => verify(null, bytes, by.key, signature)));
  if (wrong) throw new NoteError(`the signature of ${wrong.name} is wrong`);
  return { text, signer };
}

function parseSignature(line: string): NoteSignature {
  const [, name = '', encoded = ''] = SIGNATURE_LINE.exec(line) ?? [];
  const bytes = decodeBase64(encoded);
  if (!NAME.test(name) || !bytes || bytes.length < 5) throw new NoteError('malformed signature line');
  return { name, keyId: bytes.subarray(0, 4), signature: bytes.subarray(4) };
}

/** `0x01 ‖ public key`, of either half of an Ed25519 key. */
export function typedPublicKey(key: KeyObject): Buffer {
  const raw = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(ED25519_SPKI.length);
  return Buffer.concat([Buffer.from([ED25519]), raw]);
}

/** `SHA-256(name ‖ 0x0A ‖ type ‖ public key)[:4]`. */
export function noteKeyId(name: string, typedKey: Buffer): Buffer {
  return createHash('sha256').update(`${name}\n`, 'utf8').update(typedKey).digest().subarray(0, 4);
}
