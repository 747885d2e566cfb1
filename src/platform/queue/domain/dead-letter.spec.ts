import { describe, it, expect } from '@jest/globals';
import { isId } from '../../../kernel/ids.js';
import { deadLetterId, keepEnvelope, shownName } from './dead-letter.js';

describe('dead letters', () => {
  it('have one id for one message on one queue', () => {
    const value = { a: 1, b: [2] };
    expect(deadLetterId('audit', { b: [2], a: 1 })).toBe(deadLetterId('audit', value));
    expect(deadLetterId('audit', value)).not.toBe(deadLetterId('delivery', value));
    expect(deadLetterId('audit', value)).not.toBe(deadLetterId('audit', { a: 1, b: [3] }));
    expect(isId('evt', `evt_${deadLetterId('audit', value)}`)).toBe(true);
  });

  it('keep the envelope as it came', () => {
    const envelope = { v: 1, name: 'x', body: '{"text":"a\\\\u0000b"}' };
    expect(keepEnvelope(envelope)).toEqual(envelope);
  });

  it.each<[string, unknown]>([
    ['a NUL', { name: 'a\u0000b' }],
    ['a lone surrogate', { name: '\ud800' }],
    ['no object', 'text'],
    ['null', null],
    ['nothing', undefined],
    ['more than 256 KiB', { body: 'x'.repeat(300_000) }],
  ])('keep what jsonb cannot hold as bytes: %s', (_what, value) => {
    const kept = keepEnvelope(value);
    expect(Object.keys(kept).sort()).toEqual(['bytes', 'raw', 'sha256']);
    expect(JSON.stringify(kept)).not.toContain('\\u');
    expect(Buffer.from(JSON.stringify(kept['raw'])).length).toBeLessThanOrEqual(349_530);
  });

  it('show a name without control or bidirectional characters, cut to a line', () => {
    expect(shownName({ name: 'session\u202e.ended\n' })).toBe('session.ended');
    expect(shownName({ name: 'x'.repeat(500) })).toHaveLength(128);
    expect([shownName({}), shownName(null), shownName({ name: 7 }), shownName({ name: '\u0000' })]).toEqual(
      Array(4).fill('unknown'),
    );
  });
});
