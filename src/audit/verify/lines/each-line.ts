import { createHash } from 'node:crypto';

const NEWLINE = 0x0a;

/** Hands on the lines of a stream of bytes, as they are completed, and the SHA-256 of all of it. */
export async function eachLine(
  bytes: AsyncIterable<Buffer>,
  take: (line: string) => void,
): Promise<{ sha256: string; whole: boolean }> {
  const hash = createHash('sha256');
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of bytes) {
    hash.update(chunk);
    const text = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let start = 0;
    for (let end = text.indexOf(NEWLINE); end >= 0; end = text.indexOf(NEWLINE, start)) {
      take(text.toString('utf8', start, end));
      start = end + 1;
    }
    rest = text.subarray(start);
  }
  return { sha256: hash.digest('hex'), whole: rest.length === 0 };
}
