import * as zlib from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { echoForms } from '../domain/echo-forms.js';
import { EncodedScan, type ScanFault } from './encoded-scan.js';

const SECRET = 'sk-top-secret/1';
const FORMS = echoForms([SECRET]);
const TEXT = Array.from({ length: 300 }, (_, n) => `line ${n * n} of some text\n`).join('');

type Encode = (bytes: Buffer) => Buffer;
const CODINGS: [string, Encode][] = [
  ['gzip', zlib.gzipSync],
  ['x-gzip', zlib.gzipSync],
  ['deflate', zlib.deflateSync],
  ['br', zlib.brotliCompressSync],
];
const ENCODINGS: [string, Encode][] = [
  ...CODINGS,
  ['deflate', zlib.deflateRawSync],
  ['gzip, br', (bytes) => zlib.brotliCompressSync(zlib.gzipSync(bytes))],
  ['br, deflate, gzip', (bytes) => zlib.gzipSync(zlib.deflateSync(zlib.brotliCompressSync(bytes)))],
];

/** What leaves of a body that comes in pieces of this size, and what stopped it. */
function scanned(
  encoding: string,
  pieces: readonly Buffer[],
): Promise<{ readonly left: Buffer; readonly fault?: ScanFault; readonly asked: number }> {
  return new Promise((resolve) => {
    const left: Buffer[] = [];
    let asked = 0;
    const scan = new EncodedScan(FORMS, encoding.split(', '), {
      release: (released) => {
        asked += 1;
        left.push(...released);
      },
      fault: (fault) => resolve({ left: Buffer.concat(left), fault, asked }),
      failed: () => resolve({ left, asked } as never),
    });
    for (const piece of pieces) scan.push(piece);
    scan.end(() => resolve({ left: Buffer.concat(left), asked }));
  });
}

function cut(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.subarray(n * size, (n + 1) * size));
}

/** What the bytes decode to so far, or as much of it as comes out. */
async function decoded(coding: string, bytes: Buffer): Promise<string> {
  const stream = coding === 'br' ? zlib.createBrotliDecompress() : zlib.createUnzip();
  let text = '';
  stream.on('data', (piece: Buffer) => (text += piece.toString()));
  stream.on('error', () => undefined);
  await new Promise<void>((resolve) => {
    stream.on('close', resolve);
    stream.end(bytes);
  });
  return text;
}

describe('[T5] an encoded body is searched as it passes', () => {
  it.each(ENCODINGS)('%s without the secret leaves as it came, in pieces of any size', async (encoding, encode) => {
    const body = encode(Buffer.from(TEXT));
    for (const size of [1, 7, 100_000]) {
      const { left, fault } = await scanned(encoding, cut(body, size));
      expect([left.equals(body), fault]).toEqual([true, undefined]);
    }
  });

  it.each(ENCODINGS)('%s with the secret is stopped, in pieces of any size', async (encoding, encode) => {
    for (const form of [SECRET, Buffer.from(SECRET).toString('base64')])
      for (const size of [1, 7, 100_000])
        expect(await scanned(encoding, cut(encode(Buffer.from(TEXT + form + TEXT)), size))).toMatchObject({
          fault: 'echo',
        });
  });

  it.each(CODINGS)('%s: of a secret that comes in two pieces nothing leaves', async (coding) => {
    const encoder =
      coding === 'br' ? zlib.createBrotliCompress() : coding === 'deflate' ? zlib.createDeflate() : zlib.createGzip();
    const flush = coding === 'br' ? zlib.constants.BROTLI_OPERATION_FLUSH : zlib.constants.Z_SYNC_FLUSH;
    const pieces: Buffer[] = [];
    for (const text of ['clear;', SECRET.slice(0, 9), SECRET.slice(9), ';after']) {
      encoder.write(text);
      await new Promise<void>((resolve) => encoder.flush(flush, resolve));
      pieces.push(encoder.read() as Buffer);
    }
    const { left, fault } = await scanned(coding, pieces);
    expect([await decoded(coding, left), fault]).toEqual(['clear;', 'echo']);
    // The same beginning, which turns out to be another word.
    const other = await scanned(coding, pieces.slice(0, 2));
    expect(other.left.equals(Buffer.concat(pieces.slice(0, 2)))).toBe(true);
  });

  it('asks for more although it keeps the piece', async () => {
    const body = zlib.gzipSync(Buffer.from(`x${SECRET.slice(0, 4)}`));
    const { left, asked } = await scanned('gzip', [body, Buffer.alloc(0)]);
    expect([left.equals(body), asked]).toEqual([true, 3]);
  });

  it.each([
    ['an unknown coding', 'compress'],
    ['what is not of the coding', 'gzip'],
    ['too many codings', 'gzip, gzip, gzip, gzip'],
  ])('%s passes as it is, unless the secret stands in it', async (_name, encoding) => {
    const body = Buffer.from(TEXT);
    expect((await scanned(encoding, cut(body, 100))).left.equals(body)).toBe(true);
    const echo = cut(Buffer.from(TEXT + SECRET), 10);
    expect(await scanned(encoding, echo)).toMatchObject({ fault: 'echo' });
  });

  it('a broken body passes as it is, and so does one that ends too early', async () => {
    const body = zlib.gzipSync(Buffer.from(TEXT));
    const broken = Buffer.concat([body.subarray(0, 500), Buffer.alloc(600, 0xff)]);
    for (const one of [broken, body.subarray(0, 500)])
      expect((await scanned('gzip', cut(one, 100))).left.equals(one)).toBe(true);
  });

  it('several members are one body (RFC 1952 §2.2)', async () => {
    const body = Buffer.concat([zlib.gzipSync('sk-top-'), zlib.gzipSync('secret/1')]);
    expect(await scanned('gzip', cut(body, 5))).toMatchObject({ fault: 'echo' });
  });

  it('[T8] a bomb is stopped before it is unpacked, also one inside another', async () => {
    const bomb = zlib.brotliCompressSync(Buffer.alloc(1 << 27));
    expect(await scanned('br', [bomb])).toMatchObject({ fault: 'bomb' });
    expect(await scanned('br, gzip', [zlib.gzipSync(bomb)])).toMatchObject({ fault: 'bomb' });
  });
});

describe('[T8] what cannot be taken any more', () => {
  it.each(['release', 'last'])('ends the scan once and is no error of the process: %s', async (which) => {
    const failed = await new Promise<Error[]>((resolve) => {
      const failures: Error[] = [];
      const broken = (): void => {
        throw new Error('gone');
      };
      const scan = new EncodedScan(FORMS, ['gzip'], {
        release: which === 'release' ? broken : () => undefined,
        fault: () => undefined,
        failed: (error) => {
          failures.push(error);
          setImmediate(() => resolve(failures));
        },
      });
      scan.push(zlib.gzipSync('text'));
      scan.end(which === 'last' ? broken : () => undefined);
    });
    expect(failed.map(({ message }) => message)).toEqual(['gone']);
  });
});
