/** Frames up to this size leave whole; longer ones leave as they come. */
const HELD_BYTES = 16_384;
const CLOSE = 0x8;

interface FrameHeader {
  readonly opcode: number;
  /** Header and payload together. */
  readonly size: number;
}

/**
 * Follows the frames of one direction of a WebSocket (RFC 6455 §5.2) without changing a byte, so that it is known whether a frame of the gateway's
 * own may be put in. What is held back is never more than one short frame. The caller must not assume that the frames are valid.
 */
export class FrameGate {
  /** A Close frame has passed. */
  closeSeen = false;
  private held: Buffer = Buffer.alloc(0);
  /** Bytes of a long frame that have not come yet. */
  private missing = 0;

  /** True when what has left ends with a whole frame. */
  get atBoundary(): boolean {
    return this.missing === 0;
  }

  /** What may leave after this piece. */
  push(chunk: Buffer): Buffer {
    const bytes = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]);
    let at = Math.min(this.missing, bytes.length);
    this.missing -= at;
    while (at < bytes.length) {
      const frame = frameAt(bytes, at);
      if (frame === undefined) break;
      const there = bytes.length - at;
      if (there < frame.size && frame.size <= HELD_BYTES) break;
      if (frame.opcode === CLOSE) this.closeSeen = true;
      this.missing = Math.max(0, frame.size - there);
      at += Math.min(frame.size, there);
    }
    this.held = bytes.subarray(at);
    return bytes.subarray(0, at);
  }
}

/** A Close frame of a server: unmasked, with status and reason (RFC 6455 §5.5.1, §7.4). The reason is short ASCII. */
export function closeFrame(status: number, reason: string): Buffer {
  const payload = Buffer.concat([
    Buffer.from([status >> 8, status & 0xff]),
    Buffer.from(reason.slice(0, 120), 'ascii'),
  ]);
  return Buffer.concat([Buffer.from([0x80 | CLOSE, payload.length]), payload]);
}

function frameAt(bytes: Buffer, at: number): FrameHeader | undefined {
  if (bytes.length - at < 2) return undefined;
  const opcode = (bytes[at] as number) & 0x0f;
  const second = bytes[at + 1] as number;
  const short = second & 0x7f;
  const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
  const header = 2 + extended + (second & 0x80 ? 4 : 0);
  if (bytes.length - at < 2 + extended) return undefined;
  return { opcode, size: header + payloadLength(bytes, at + 2, short) };
}

function payloadLength(bytes: Buffer, at: number, short: number): number {
  if (short === 126) return bytes.readUInt16BE(at);
  return short === 127 ? Number(bytes.readBigUInt64BE(at)) : short;
}
