import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { notification, signedFields, webhookSecret } from './notification.js';

describe('notification', () => {
  const entry = {
    v: 1,
    zone: 'acme',
    event_id: 'e',
    type: 'exchange',
    occurred_at: '2030-01-01T00:00:00Z',
    actor: { kind: 'agent', id: 'app_1' },
    decision: 'deny',
    reasons: ['no_permit'],
    client: { address: '192.0.2.1' },
    policy: { version: 3, determining: ['p1'], input: { context: { address: '192.0.2.1' } } },
  };

  it('holds the entry’s public members and its index', () => {
    expect(notification(7, entry)).toEqual({
      type: 'exchange',
      zone: 'acme',
      at: '2030-01-01T00:00:00Z',
      data: {
        index: 7,
        event_id: 'e',
        actor: { kind: 'agent', id: 'app_1' },
        decision: 'deny',
        reasons: ['no_permit'],
        policy: { version: 3, determining: ['p1'] },
      },
    });
  });

  it('[T5] of work whose approval is private says no more than those who decide may see', () => {
    const held = {
      ...entry,
      type: 'approval.requested',
      subject: 'user:sis_1:mary',
      operation: { method: 'POST', path: '/patients/42', template: '/patients/{id}', body_digest: 'sha256:x' },
      scopes: ['write'],
      approval: 'apr_1',
      detail: { binding: 'b', authorization_details: 'digest' },
    };
    expect(notification(7, held, 'minimal')['data']).toMatchObject({
      subject: 'user',
      operation: { method: 'POST', template: '/patients/{id}' },
      scopes: ['write'],
      approval: 'apr_1',
      detail: { binding: 'b' },
    });
    expect(JSON.stringify(notification(7, held, 'minimal'))).not.toMatch(/mary|42|digest/);
    expect(JSON.stringify(notification(7, held))).toContain('/patients/42');
    const decided = (approver_class: string) => ({
      ...held,
      type: 'approval.decided',
      detail: { approver_class, reason: 'words' },
    });
    expect(JSON.stringify(notification(7, decided('subject'), 'minimal'))).not.toContain('words');
    expect(JSON.stringify(notification(7, decided('operator'), 'minimal'))).toContain('words');
  });

  it('[T5] tells nobody where a caller sat', () => {
    expect(JSON.stringify(notification(7, entry))).not.toContain('192.0.2.1');
  });
});

describe('signatures of deliveries (Standard Webhooks 1.0)', () => {
  const key = randomBytes(32);
  const timestamp = Math.floor(Date.now() / 1_000);
  const message = { id: 'msg_1', timestamp, body: '{"a":"ü"}' };

  it('are what the reference implementation accepts', () => {
    const verifier = new Webhook(webhookSecret(key));
    expect(verifier.verify(message.body, { ...signedFields(key, message) })).toEqual({ a: 'ü' });
  });

  it('[T7] cover id, time and every byte of the body', () => {
    const verifier = new Webhook(webhookSecret(key));
    const fields = { ...signedFields(key, message) };
    expect(() => verifier.verify('{"a":"u"}', fields)).toThrow();
    expect(() => verifier.verify(message.body, { ...fields, 'webhook-id': 'msg_2' })).toThrow();
    expect(() => verifier.verify(message.body, { ...fields, 'webhook-timestamp': String(timestamp - 1) })).toThrow();
  });
});
