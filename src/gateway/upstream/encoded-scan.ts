import { type EchoForms, MENDABLE_BYTES } from '../domain/echo-forms.js';
import { EchoWatch, isBomb } from './echo-watch.js';
import { type ContentDecoder, decodersOf } from './content-decoding.js';

/** Why a body must not go on. */
export type ScanFault = 'echo' | 'bomb';

export interface ScanEvents {
  /** These bytes may leave, as they came; often none. More is wanted. */
  release(pieces: readonly Buffer[]): void;
  /** The last call: nothing more may leave. */
  fault(fault: ScanFault): void;
  /** The last call as well: what was released could not be taken. */
  failed(error: Error): void;
}

/** A piece as it came, and up to where it has brought the two readings of the body. */
interface Held {
  readonly bytes: Buffer;
  readonly rawEnd: number;
  readonly plainEnd: number;
}

/**
 * Reads a body with content codings along with the caller: each piece is decoded and searched before it leaves, untouched. What cannot be decoded is
 * searched as it is, which finds a secret in a body that only claims to be encoded.
 */
export class EncodedScan {
  private readonly raw: EchoWatch;
  private readonly plain: EchoWatch;
  private decoders: readonly ContentDecoder[];
  private decoded = 0;
  private held: Held[] = [];
  private turn: Promise<void> = Promise.resolve();
  private isOver = false;

  constructor(
    forms: EchoForms,
    codings: readonly string[],
    private readonly events: ScanEvents,
  ) {
    this.raw = new EchoWatch(forms);
    this.plain = new EchoWatch(forms);
    this.decoders = decodersOf(codings) ?? [];
  }

  /** Takes a piece; `release` or `fault` follows, never at once. */
  push(bytes: Buffer): void {
    this.next(() => this.scan(bytes));
  }

  /** Calls back when everything that came has left, and not at all after a fault. */
  end(last: () => void): void {
    this.next(() => {
      if (this.isOver) return;
      this.close();
      this.events.release(this.held.splice(0).map(({ bytes }) => bytes));
      last();
    });
  }

  close(): void {
    this.isOver = true;
    for (const decoder of this.decoders) decoder.close();
  }

  private next(step: () => Promise<void> | void): void {
    this.turn = this.turn.then(step).catch((error: unknown) => {
      this.close();
      this.events.failed(error as Error);
    });
  }

  private async scan(bytes: Buffer): Promise<void> {
    if (this.isOver) return;
    const fault = this.raw.see(bytes) ? 'echo' : await this.scanDecoded(bytes);
    if (this.isOver) return;
    this.held.push({ bytes, rawEnd: this.raw.seen, plainEnd: this.plain.seen });
    const clear = this.takeClear();
    if (fault ?? this.holdsTooMuch()) {
      this.close();
      this.events.fault(fault ?? 'bomb');
    } else this.events.release(clear);
  }

  private async scanDecoded(bytes: Buffer): Promise<ScanFault | undefined> {
    if (this.decoders.length === 0) return undefined;
    try {
      return await this.descend(bytes, 0);
    } catch {
      for (const decoder of this.decoders) decoder.close();
      this.decoders = [];
      return undefined;
    }
  }

  private async descend(bytes: Buffer, depth: number): Promise<ScanFault | undefined> {
    const decoder = this.decoders[depth];
    if (!decoder) return this.plain.see(bytes) ? 'echo' : undefined;
    for await (const piece of decoder.decode(bytes)) {
      this.decoded += piece.length;
      if (isBomb(this.raw.seen, this.decoded)) return 'bomb';
      const fault = await this.descend(piece, depth + 1);
      if (fault) return fault;
    }
    return undefined;
  }

  /** Pieces leave in order, and none in which a secret may have begun. */
  private takeClear(): Buffer[] {
    const isOpen = ({ rawEnd, plainEnd }: Held): boolean => rawEnd > this.raw.clearTo || plainEnd > this.plain.clearTo;
    const at = this.held.findIndex(isOpen);
    return this.held.splice(0, at < 0 ? this.held.length : at).map(({ bytes }) => bytes);
  }

  /** Many bytes that decode to nothing at all. */
  private holdsTooMuch(): boolean {
    return this.held.reduce((sum, { bytes }) => sum + bytes.length, 0) > MENDABLE_BYTES;
  }
}
