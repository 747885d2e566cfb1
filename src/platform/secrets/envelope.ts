import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { lp } from '../../kernel/length-prefixed.js';
import { deriveKey } from './derive.js';

const VERSION = 1;
const CIPHER = 'aes-256-gcm';
const KEY_ID_BYTES = 8;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const SEALED_KEY_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES;
const HEADER_BYTES = 1 + KEY_ID_BYTES;

/** What a sealed value belongs to. It opens under exactly these words, so it cannot be moved to another row, column or version. */
export interface SealContext {
  readonly purpose: string;
  readonly zone: string;
  readonly table: string;
  readonly row: string;
  readonly column: string;
  readonly version: number;
}

/** A sealed value that does not open: altered, moved, cut, or sealed under a key that is not here. Which of these is not said. */
export class SealError extends Error {
  override readonly name = 'SealError';

  constructor() {
    super('a sealed value does not open');
  }
}

interface WrapKey {
  readonly id: Buffer;
  readonly key: Buffer;
}

/**
 * Envelope encryption: each value under a random data key (AES-256-GCM), the data key under a key derived from the key-encryption key.
 * Layout: version, id of the key-encryption key, sealed data key, sealed value; each sealed part is nonce, ciphertext, tag.
 * The value's own seal does not cover the key's id, so a rotation only seals the data key anew.
 */
export class Envelope {
  private readonly keys: ReadonlyMap<string, WrapKey>;
  private readonly active: WrapKey;

  constructor(keks: readonly [Buffer, ...Buffer[]]) {
    const [active, ...earlier] = keks;
    this.active = wrapKey(active);
    this.keys = new Map([this.active, ...earlier.map(wrapKey)].map((key) => [key.id.toString('hex'), key]));
  }

  seal(plaintext: Buffer, aad: SealContext): Buffer {
    const context = encodeContext(aad);
    const header = Buffer.concat([Buffer.of(VERSION), this.active.id]);
    const dataKey = randomBytes(KEY_BYTES);
    const sealedKey = encrypt(this.active.key, dataKey, lp(header, context));
    return Buffer.concat([header, sealedKey, encrypt(dataKey, plaintext, context)]);
  }

  /** Throws {@link SealError} on everything but what {@link seal} made for the same context. */
  open(sealed: Buffer, aad: SealContext): Buffer {
    if (sealed.length < HEADER_BYTES + SEALED_KEY_BYTES || sealed[0] !== VERSION) throw new SealError();
    const header = sealed.subarray(0, HEADER_BYTES);
    const wrap = this.keys.get(header.subarray(1).toString('hex'));
    if (!wrap) throw new SealError();
    const context = encodeContext(aad);
    const dataKey = decrypt(
      wrap.key,
      sealed.subarray(HEADER_BYTES, HEADER_BYTES + SEALED_KEY_BYTES),
      lp(header, context),
    );
    return decrypt(dataKey, sealed.subarray(HEADER_BYTES + SEALED_KEY_BYTES), context);
  }
}

function wrapKey(kek: Buffer): WrapKey {
  return {
    id: deriveKey(kek, 'caracal envelope key id v1', KEY_ID_BYTES),
    key: deriveKey(kek, 'caracal envelope wrap v1', KEY_BYTES),
  };
}

function encodeContext(aad: SealContext): Buffer {
  return lp('caracal envelope v1', aad.purpose, aad.zone, aad.table, aad.row, aad.column, aad.version);
}

function encrypt(key: Buffer, plaintext: Buffer, aad: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(aad);
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Buffer, sealed: Buffer, aad: Buffer): Buffer {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) throw new SealError();
  try {
    const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
      .setAAD(aad)
      .setAuthTag(sealed.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch {
    throw new SealError();
  }
}
