import { type EchoForms, heldBack, holdsEcho } from '../domain/echo-forms.js';

const NOTHING = Buffer.alloc(0);

/** Looks for a secret in bytes that come in pieces, and keeps of them only what may be the beginning of one. */
export class EchoWatch {
  /** Everything before this offset holds no part of a secret, whatever follows. */
  clearTo = 0;
  /** How much was seen. */
  seen = 0;
  private tail: Buffer = NOTHING;

  constructor(private readonly forms: EchoForms) {}

  /** True when a secret ends in this piece. */
  see(piece: Buffer): boolean {
    const bytes = this.tail.length === 0 ? piece : Buffer.concat([this.tail, piece]);
    this.seen += piece.length;
    if (holdsEcho(bytes, this.forms)) return true;
    const open = heldBack(bytes, this.forms);
    this.tail = open === 0 ? NOTHING : Buffer.from(bytes.subarray(bytes.length - open));
    this.clearTo = this.seen - open;
    return false;
  }
}

/** Up to here no ratio is too large. */
const FREE_BYTES = 67_108_864;
/** Text compresses to a tenth, monotonous tables to a hundredth. */
const LARGEST_RATIO = 200;

/** True when so few bytes have become so many that nobody means to read them. */
export function isBomb(encoded: number, decoded: number): boolean {
  return decoded > FREE_BYTES && decoded > encoded * LARGEST_RATIO;
}
