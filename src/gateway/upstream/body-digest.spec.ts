import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { BodyDigest } from './body-digest.js';
import { DigestedAnswer } from './digested-answer.js';

describe('body digests', () => {
  it('are of all that passed, however it was cut up, and of nothing after they were taken', () => {
    const digest = new BodyDigest();
    for (const piece of ['ab', '', 'c']) digest.update(Buffer.from(piece));
    const expected = 'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(digest.value()).toBe(expected);
    digest.update(Buffer.from('late'));
    expect(digest.value()).toBe(expected);
    expect(new BodyDigest().value()).toBe(`sha256:${createHash('sha256').digest('hex')}`);
  });

  it('let the answer through as it is, and what the sink says of back-pressure', () => {
    const seen: unknown[] = [];
    const digest = new BodyDigest();
    const answer = new DigestedAnswer(
      {
        informational: (...of) => void seen.push(of),
        head: (...of) => void seen.push(of),
        chunk: (bytes) => seen.push(bytes.toString()) > 3,
        end: (of) => void seen.push(of),
        fail: (of) => void seen.push(of.message),
      },
      digest,
    );
    answer.informational(103, ['a', '1']);
    answer.head(200, 'OK', ['b', '2']);
    expect([answer.chunk(Buffer.from('a')), answer.chunk(Buffer.from('bc'))]).toEqual([false, true]);
    answer.end(['c', '3']);
    answer.fail(new Error('gone'));
    expect(seen).toEqual([[103, ['a', '1']], [200, 'OK', ['b', '2']], 'a', 'bc', ['c', '3'], 'gone']);
    expect(digest.value()).toMatch(/^sha256:ba7816bf/);
  });
});
