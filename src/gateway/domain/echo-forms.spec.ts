import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  contentCodings,
  echoForms,
  echoTreatment,
  heldBack,
  holdsEcho,
  redactEcho,
  withoutEchoes,
} from './echo-forms.js';

const SECRET = 'sk-"a/b c&é=';
const FORMS = echoForms([SECRET]);

describe('[T5] echo forms', () => {
  it.each([
    ['raw', SECRET],
    ['base64', Buffer.from(SECRET).toString('base64')],
    ['base64 without padding', Buffer.from(SECRET).toString('base64').replace(/=+$/, '')],
    ['base64url', Buffer.from(SECRET).toString('base64url')],
    ['URL-escaped', encodeURIComponent(SECRET)],
    ['URL-escaped in lower case', encodeURIComponent(SECRET).replace(/%../g, (t) => t.toLowerCase())],
    ['form-escaped', encodeURIComponent(SECRET).replaceAll('%20', '+')],
    ['JSON-escaped', JSON.stringify(SECRET).slice(1, -1)],
    ['JSON-escaped with solidus', JSON.stringify(SECRET).slice(1, -1).replaceAll('/', '\\/')],
  ])('finds and replaces the secret %s, as often as it occurs', (_name, echoed) => {
    const body = Buffer.from(`x${echoed}y${echoed}`);
    expect(holdsEcho(body, FORMS)).toBe(true);
    expect(redactEcho(body, FORMS).toString()).toMatch(/^x\[redacted\]=*y\[redacted\]=*$/);
  });

  it.each([0, 1, 2, 3])('finds it inside other text in base64, %i bytes in', (before) => {
    const echoed = Buffer.from(`${'u'.repeat(before)}${SECRET}:more`).toString('base64');
    const body = Buffer.from(JSON.stringify({ headers: echoed }));
    expect(holdsEcho(body, FORMS)).toBe(true);
    expect(Buffer.from(redactEcho(body, FORMS).toString(), 'base64').toString('latin1')).not.toContain(SECRET);
  });

  it('leaves a body without it alone: the very same bytes', () => {
    const body = Buffer.from('nothing to see');
    expect(redactEcho(body, FORMS)).toBe(body);
    expect(echoForms(['abc']).forms).toEqual([]);
  });

  it('removes header fields that hold it', () => {
    expect(
      withoutEchoes(['a', '1', 'b', `key ${SECRET.replace('é', 'e')}`, 'x-sk', 'y'], echoForms(['sk-"a/b c&e='])),
    ).toEqual({ headers: ['a', '1', 'x-sk', 'y'], found: true });
    expect(withoutEchoes(['a', '1'], FORMS)).toEqual({ headers: ['a', '1'], found: false });
  });

  it('a flow that is cut anywhere is mended as the whole would be', () => {
    const lower = fc.stringMatching(/^[a-z]{0,20}$/);
    fc.assert(
      fc.property(
        fc.stringMatching(/^S[A-R]{3,11}$/),
        fc.tuple(lower, lower),
        fc.nat(11),
        fc.nat(60),
        (secret, ...[[before, after], prefix, cut]) => {
          const forms = echoForms([secret]);
          const start = before + secret.slice(0, Math.min(prefix, secret.length - 1));
          const whole = Buffer.from(start + secret + after);
          const first = redactEcho(whole.subarray(0, cut), forms);
          const released = first.subarray(0, first.length - heldBack(first, forms));
          const rest = redactEcho(Buffer.concat([first.subarray(released.length), whole.subarray(cut)]), forms);
          expect(Buffer.concat([released, rest]).toString()).toBe(`${start}[redacted]${after}`);
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each([
    [200, ['Content-Type', 'application/json', 'Content-Length', '10'], 'replace_whole'],
    [200, ['content-type', 'application/vnd.api+json; charset=utf-8', 'content-length', '1048576'], 'replace_whole'],
    [200, ['content-type', 'text/plain', 'content-length', '1048577'], 'cut'],
    [200, ['content-type', 'text/html'], 'replace_flowing'],
    [200, ['content-length', '3'], 'replace_whole'],
    [200, ['content-type', 'text/event-stream'], 'cut'],
    [206, ['content-type', 'text/plain', 'content-length', '3'], 'cut'],
    [200, ['content-type', 'image/png', 'content-length', '3'], 'none'],
    [200, ['content-type', 'application/octet-stream'], 'none'],
    [200, ['content-type', 'text/plain', 'content-encoding', 'gzip'], 'cut_decoded'],
    [206, ['content-type', 'text/event-stream', 'content-encoding', 'br'], 'cut_decoded'],
    [200, ['content-type', 'image/svg', 'content-encoding', 'gzip'], 'none'],
    [200, ['content-type', 'text/plain', 'content-encoding', 'identity'], 'replace_flowing'],
  ] as const)('%d %j → %s', (status, headers, treatment) => {
    expect(echoTreatment(status, headers, FORMS)).toBe(treatment);
    expect(echoTreatment(status, headers, echoForms([]))).toBe('none');
  });

  it('knows what was done to a body, in order (RFC 9110 §8.4)', () => {
    expect(contentCodings(['Content-Encoding', 'GZIP , identity', 'content-encoding', ', br'])).toEqual(['gzip', 'br']);
  });
});
