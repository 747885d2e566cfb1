import { describe, expect, it } from '@jest/globals';
import { SIGNED_INTROSPECTION, wantsSigned } from './accepted-answer.js';

describe('wantsSigned (RFC 9701 §4, RFC 9110 §12.5.1)', () => {
  it.each<[string | undefined, boolean]>([
    [undefined, false],
    ['', false],
    ['*/*', false],
    ['application/json', false],
    [SIGNED_INTROSPECTION, true],
    [SIGNED_INTROSPECTION.toUpperCase(), true],
    [`${SIGNED_INTROSPECTION}, application/json;q=0.5`, true],
    [`application/json, ${SIGNED_INTROSPECTION}`, true],
    [`application/json, ${SIGNED_INTROSPECTION};q=0.9`, false],
    [`${SIGNED_INTROSPECTION};q=0`, false],
    [`${SIGNED_INTROSPECTION};q=x`, false],
    [`text/html;level=1, ${SIGNED_INTROSPECTION};v=1;q=0.1`, true],
  ])('%s: %s', (accept, expected) => {
    expect(wantsSigned(accept)).toBe(expected);
  });
});
