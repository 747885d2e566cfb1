import { describe, it, expect } from '@jest/globals';
import fc from 'fast-check';
import { lp } from '../../../kernel/length-prefixed.js';
import { createHmac } from 'node:crypto';
import {
  EnvelopeError,
  openEnvelope,
  reopenEnvelope,
  sealEnvelope,
  type Envelope,
  type EnvelopeFault,
} from './envelope.js';
import { EnvelopeKeys } from './envelope-keys.js';
import type { Message } from './message.js';
import { QUEUE_NAMES } from './queue-names.js';

const keys = new EnvelopeKeys([Buffer.alloc(32, 7)]);
const NOW = 1_800_000_000_000;
const message: Message = {
  queue: 'lifecycle',
  name: 'session.ended',
  id: '018f2b6e-7c1a-7000-8000-000000000001',
  zone: 'acme',
  issuedAt: NOW,
  expiresAt: NOW + 60_000,
  body: { session: 'ses_1', reasons: ['a', 'b'] },
};
const sealed = sealEnvelope(keys, message);

function faultOf(open: () => unknown): EnvelopeFault | undefined {
  try {
    open();
    return undefined;
  } catch (error) {
    return error instanceof EnvelopeError ? error.fault : undefined;
  }
}

/** A holder of the real key who signs whatever they are given. */
function signed(envelope: Omit<Envelope, 'mac'>): Envelope {
  const key = keys.keyOf(keys.current, 'lifecycle') ?? Buffer.alloc(0);
  const { v, kid, queue, name, id, zone, iat, exp, body } = envelope;
  const input = lp('caracal-queue-envelope', v, kid, queue, name, id, zone, iat, exp, body);
  return { ...envelope, mac: createHmac('sha256', key).update(input).digest('base64url') };
}

describe('queue envelopes', () => {
  it('open to what was sealed, also after a trip through JSON', () => {
    expect(openEnvelope(keys, 'lifecycle', JSON.parse(JSON.stringify(sealed)), NOW)).toEqual(message);
  });

  it('open to what was sealed, whatever the body holds', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 5 })), (body) => {
        const safe = JSON.parse(
          JSON.stringify(body)
            .replaceAll('"__proto__"', '"p"')
            .replaceAll(/"(constructor|prototype)"/g, '"c"'),
        ) as Message['body'];
        const opened = openEnvelope(keys, 'lifecycle', sealEnvelope(keys, { ...message, body: safe }), NOW);
        expect(opened.body).toEqual(JSON.parse(JSON.stringify(safe)));
      }),
    );
  });

  it.each<[string, Partial<Envelope>]>([
    ['name', { name: 'session.started' }],
    ['id', { id: '018f2b6e-7c1a-7000-8000-000000000002' }],
    ['zone', { zone: 'other' }],
    ['iat', { iat: NOW - 1 }],
    ['exp', { exp: NOW + 60_001 }],
    ['body', { body: '{"session":"ses_2"}' }],
    ['mac', { mac: Buffer.alloc(32).toString('base64url') }],
  ])('[T7] are refused as forged when %s was altered', (_member, altered) => {
    expect(faultOf(() => openEnvelope(keys, 'lifecycle', { ...sealed, ...altered }, NOW))).toBe('forged');
  });

  it('[T7] are refused when text moves from one member to the next', () => {
    const moved = {
      ...sealed,
      name: sealed.name.slice(0, -1),
      id: sealed.id,
      zone: `${sealed.name.slice(-1)}${sealed.zone}`,
    };
    expect(faultOf(() => openEnvelope(keys, 'lifecycle', moved, NOW))).toBe('forged');
  });

  it('[T7] are refused by every other queue, also when they name it', () => {
    for (const queue of QUEUE_NAMES.filter((name) => name !== 'lifecycle')) {
      expect(faultOf(() => openEnvelope(keys, queue, sealed, NOW))).toBe('foreign_queue');
      expect(faultOf(() => openEnvelope(keys, queue, { ...sealed, queue }, NOW))).toBe('forged');
    }
  });

  it('[T7] are refused under a key id that is not of the ring, and under another secret of the same id', () => {
    expect(faultOf(() => openEnvelope(keys, 'lifecycle', { ...sealed, kid: '00' }, NOW))).toBe('unknown_key');
    const other = new EnvelopeKeys([Buffer.alloc(32, 8)]);
    expect(faultOf(() => openEnvelope(other, 'lifecycle', sealed, NOW))).toBe('unknown_key');
    expect(
      faultOf(() => openEnvelope(keys, 'lifecycle', { ...sealEnvelope(other, message), kid: keys.current }, NOW)),
    ).toBe('forged');
  });

  it('are accepted under a retired secret of the ring, and sealed with the first', () => {
    const rotated = new EnvelopeKeys([Buffer.alloc(32, 9), Buffer.alloc(32, 7)]);
    expect(openEnvelope(rotated, 'lifecycle', sealed, NOW)).toEqual(message);
    expect(faultOf(() => openEnvelope(keys, 'lifecycle', sealEnvelope(rotated, message), NOW))).toBe('unknown_key');
  });

  it('[T7] are refused from their expiry on and when they come from the future', () => {
    expect(faultOf(() => openEnvelope(keys, 'lifecycle', sealed, message.expiresAt - 1))).toBeUndefined();
    expect(faultOf(() => openEnvelope(keys, 'lifecycle', sealed, message.expiresAt))).toBe('expired');
    expect(faultOf(() => openEnvelope(keys, 'lifecycle', sealed, NOW - 60_001))).toBe('premature');
    expect(faultOf(() => openEnvelope(keys, 'lifecycle', sealed, NOW - 60_000))).toBeUndefined();
  });

  it('say who an expired message was, and nothing of a forged one', () => {
    const caught = (value: unknown, now: number): EnvelopeError => {
      try {
        openEnvelope(keys, 'lifecycle', value, now);
      } catch (error) {
        if (error instanceof EnvelopeError) return error;
      }
      throw new Error('was accepted');
    };
    expect(caught(sealed, message.expiresAt).authentic).toEqual({ zone: 'acme', id: message.id });
    expect(caught({ ...sealed, zone: 'other' }, NOW).authentic).toBeUndefined();
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['a number', 7],
    ['an array', [sealed]],
    ['another version', { ...sealed, v: 2 }],
    ['a missing member', { ...sealed, zone: undefined }],
    ['a body that is no text', { ...sealed, body: { session: 'ses_1' } }],
    ['an id that is no UUID', { ...sealed, id: '../../x' }],
    ['a time that is no integer', { ...sealed, exp: 1.5 }],
    ['a time that is a text', { ...sealed, iat: '1' }],
    ['a MAC of another length', { ...sealed, mac: sealed.mac.slice(1) }],
  ])('[T7] are refused as malformed: %s', (_what, value) => {
    expect(faultOf(() => openEnvelope(keys, 'lifecycle', value, NOW))).toBe('malformed');
  });

  it.each(['[1]', '"text"', '{"a":1,"a":2}', '{', '{"__proto__":{}}'])(
    'are refused when the signed body is %s',
    (body) => {
      expect(faultOf(() => openEnvelope(keys, 'lifecycle', signed({ ...sealed, body }), NOW))).toBe('body_invalid');
    },
  );

  it('look at the body only after the MAC: a forged body is forged, not invalid', () => {
    expect(faultOf(() => openEnvelope(keys, 'lifecycle', { ...sealed, body: '{' }, NOW))).toBe('forged');
  });

  it('open again after expiry for an administrator, and only when authentic', () => {
    expect(reopenEnvelope(keys, 'lifecycle', sealed)).toEqual(message);
    expect(faultOf(() => reopenEnvelope(keys, 'lifecycle', { ...sealed, zone: 'other' }))).toBe('forged');
    expect(faultOf(() => reopenEnvelope(keys, 'lifecycle', { raw: 'x' }))).toBe('malformed');
  });
});
