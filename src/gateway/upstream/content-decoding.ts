import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';

/** More codings on top of each other than this are not undone. */
const MOST_CODINGS = 3;
const OPTIONS = { chunkSize: 65_536 };

/** Makes the stream that undoes a coding, knowing the first byte. */
type Maker = (first: number) => Transform;

const MAKERS: ReadonlyMap<string, Maker> = new Map<string, Maker>([
  ['gzip', () => zlib.createGunzip(OPTIONS)],
  ['x-gzip', () => zlib.createGunzip(OPTIONS)],
  // The coding has the header of RFC 1950; many servers leave it away, and clients understand both (RFC 9110 §8.4.1.2).
  ['deflate', (first) => ((first & 15) === 8 ? zlib.createInflate(OPTIONS) : zlib.createInflateRaw(OPTIONS))],
  ['br', () => zlib.createBrotliDecompress(OPTIONS)],
  ...zstd(),
]);

/** What undoes these codings, in the order of undoing (they are listed in the order of applying, RFC 9110 §8.4); undefined when one is unknown. */
export function decodersOf(codings: readonly string[]): ContentDecoder[] | undefined {
  const makers = codings.map((coding) => MAKERS.get(coding)).filter((maker) => maker !== undefined);
  if (makers.length !== codings.length || makers.length > MOST_CODINGS) return undefined;
  return makers.reverse().map((make) => new ContentDecoder(make));
}

/** Undoes one content coding piece by piece; never holds more than a piece of what comes out. */
export class ContentDecoder {
  private stream: Transform | undefined;
  private failure: Error | undefined;
  private wake: () => void = () => undefined;

  constructor(private readonly make: Maker) {}

  /** All that can be known of the answer from these bytes and those before; throws when they are not of the coding. */
  async *decode(bytes: Buffer): AsyncGenerator<Buffer, void> {
    if (bytes.length === 0) return;
    const stream = (this.stream ??= this.open(bytes[0] as number));
    let isTaken = false;
    stream.write(bytes, () => {
      isTaken = true;
      this.wake();
    });
    for (;;) {
      const woken = new Promise<void>((resolve) => (this.wake = resolve));
      const piece = stream.read() as Buffer | null;
      if (piece) yield piece;
      else if (this.failure) throw this.failure;
      else if (isTaken || stream.destroyed) return;
      else await woken;
    }
  }

  close(): void {
    this.stream?.destroy();
  }

  private open(first: number): Transform {
    const stream = this.make(first);
    stream.on('readable', () => this.wake());
    stream.on('close', () => this.wake());
    stream.on('error', (error) => {
      this.failure = error;
      this.wake();
    });
    return stream;
  }
}

/** Zstandard (RFC 8878), where the runtime has it. */
function zstd(): [string, Maker][] {
  const { createZstdDecompress } = zlib as { createZstdDecompress?: (options: typeof OPTIONS) => Transform };
  return createZstdDecompress ? [['zstd', () => createZstdDecompress(OPTIONS)]] : [];
}
