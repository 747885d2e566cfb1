import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { closeFrame, FrameGate } from './frame-gate.js';

function frame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const size =
    length < 126
      ? Buffer.from([length])
      : length < 65_536
        ? Buffer.from([126, length >> 8, length & 0xff])
        : Buffer.concat([Buffer.from([127]), bigEndian(length)]);
  return Buffer.concat([Buffer.from([0x80 | opcode]), size, payload]);
}

function bigEndian(length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(length));
  return bytes;
}

const frames = fc.array(
  fc.record({ opcode: fc.constantFrom(0, 1, 2, 9, 10), length: fc.constantFrom(0, 1, 125, 126, 300, 16_390, 70_000) }),
  { maxLength: 6 },
);

describe('[T3] FrameGate (RFC 6455 §5.2)', () => {
  it('changes no byte however the stream is cut, and knows at every point whether a frame may be put in', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1 }), (list, cuts) => {
        const whole = Buffer.concat(list.map(({ opcode, length }) => frame(opcode, Buffer.alloc(length, opcode))));
        const ends = new Set([0]);
        let end = 0;
        for (const { opcode, length } of list) ends.add((end += frame(opcode, Buffer.alloc(length)).length));
        const gate = new FrameGate();
        const passed: Buffer[] = [];
        let left = 0;
        for (let at = 0, turn = 0; at < whole.length; turn += 1) {
          const size = cuts[turn % cuts.length] as number;
          const piece = gate.push(whole.subarray(at, at + size));
          passed.push(piece);
          left += piece.length;
          at += size;
          expect(gate.atBoundary).toBe(ends.has(left));
        }
        expect(Buffer.concat(passed).equals(whole)).toBe(true);
      }),
    );
  });

  it('sees a Close frame', () => {
    const gate = new FrameGate();
    gate.push(frame(1, Buffer.from('text')));
    expect(gate.closeSeen).toBe(false);
    gate.push(closeFrame(1000, 'bye'));
    expect(gate.closeSeen).toBe(true);
  });

  it('masked frames are followed as well', () => {
    const gate = new FrameGate();
    const masked = Buffer.from([0x81, 0x82, 1, 2, 3, 4, 0x11, 0x22]);
    expect(gate.push(masked.subarray(0, 5)).length).toBe(0);
    expect(gate.push(masked.subarray(5)).equals(masked)).toBe(true);
    expect(gate.atBoundary).toBe(true);
  });
});

describe('closeFrame', () => {
  it('is a short unmasked frame with status and reason (RFC 6455 §5.5.1)', () => {
    expect(closeFrame(1008, 'revoked')).toEqual(
      Buffer.concat([Buffer.from([0x88, 9, 0x03, 0xf0]), Buffer.from('revoked')]),
    );
    expect(closeFrame(1008, 'x'.repeat(500)).length).toBeLessThanOrEqual(127);
  });
});
