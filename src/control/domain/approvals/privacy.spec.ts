import { describe, expect, it } from '@jest/globals';
import { approvalBody, holdBody } from './approval-body.js';
import { asOf } from './approval-step.js';
import type { Approval } from './approval.js';
import { strictestPrivacy } from './privacy-mode.js';
import { operationKind } from './privacy.js';

const NOW = Date.parse('2030-01-01T00:00:00.000Z');
const approval: Approval = {
  zone: 'acme',
  id: 'apr_1',
  binding: 'b',
  origin: 'gateway',
  status: 'approved',
  approverClass: 'any',
  quorum: 2,
  requirements: [{ rule: 'r', approverClass: 'any', quorum: 2 }],
  decisions: [
    {
      approver: 'adm_1',
      person: 'ann@example.com',
      approver_class: 'operator',
      decision: 'approve',
      reason: 'known to ann',
      at: '2030-01-01T00:00:00.000Z',
    },
    {
      approver: 'user:sis_1:mary',
      approver_class: 'subject',
      decision: 'approve',
      reason: 'words of mary',
      at: '2030-01-01T00:00:01.000Z',
    },
  ],
  application: 'app_1',
  session: 'ses_1',
  sides: ['ses_1'],
  raisers: ['ann@example.com'],
  privacy: 'minimal',
  subject: 'user:sis_1:mary',
  resources: [{ id: 'res_1', identifier: 'https://x.example' }],
  scopes: ['write'],
  authorizationDetails: [{ type: 'payment', iban: 'DE99' }],
  operation: {
    method: 'POST',
    path: '/patients/42',
    template: '/patients/{id}',
    query_digest: 'sha256:q',
    mcp: { method: 'tools/call', tool: 'pay', args: { amount: 7 } },
  },
  policyVersion: 1,
  determining: ['p'],
  createdAt: NOW - 1_000,
  expiresAt: NOW + 60_000,
  decidedAt: NOW + 1_000,
  approver: 'user:sis_1:mary',
  reason: 'words of mary',
};
const whole: Approval = { ...approval, privacy: 'full' };

describe('privacy of approvals', () => {
  it('[T5] operators see the kind of the work, neither the user nor what it contains', () => {
    const seen = approvalBody(approval, NOW, 'operator');
    expect(seen).toMatchObject({
      privacy: 'minimal',
      requester: { application: 'app_1', session: 'ses_1', subject: 'user' },
      resources: ['https://x.example'],
      scopes: ['write'],
      operation: { method: 'POST', template: '/patients/{id}', mcp: { method: 'tools/call', tool: 'pay' } },
      authorization_details: [{ type: 'payment' }],
      binding: 'b',
      approver: 'user',
    });
    expect(JSON.stringify(seen)).not.toMatch(/mary|42|DE99|sha256|amount|example\.com/);
  });

  it('[T5] the user sees the work, and no operator', () => {
    const seen = approvalBody(approval, NOW, 'subject');
    expect(seen).toMatchObject({ operation: { path: '/patients/42' }, requester: { subject: 'user:sis_1:mary' } });
    expect(seen['decisions']).toMatchObject([
      { approver: 'operator', decision: 'approve' },
      { approver: 'user:sis_1:mary' },
    ]);
    expect(JSON.stringify(seen)).not.toMatch(/adm_1|ann/);
  });

  it('[T5] an operator who decided alone is not named to the user, and neither are their words', () => {
    const [first] = approval.decisions;
    const alone = { ...approval, decisions: first ? [first] : [], approver: 'adm_1', reason: 'known to ann' };
    expect(approvalBody(alone, NOW, 'subject')).toMatchObject({ approver: 'operator', reason: null });
  });

  it('full shows all of it to both, but never who stands behind a token', () => {
    for (const viewer of ['operator', 'subject'] as const) {
      const text = JSON.stringify(approvalBody(whole, NOW, viewer));
      expect(text).toMatch(/42.*|mary/);
      expect(text).toContain('adm_1');
      expect(text).not.toContain('ann@example.com');
    }
  });

  it('whoever waits sees four members under either', () => {
    for (const one of [approval, whole])
      expect(Object.keys(holdBody(one, NOW)).sort()).toEqual(['binding', 'expires_at', 'id', 'status']);
  });

  it('the stricter mode holds', () => {
    expect([strictestPrivacy(['full', undefined]), strictestPrivacy(['full', 'minimal'])]).toEqual(['full', 'minimal']);
    expect(operationKind({ path: '/x' })).toEqual({});
  });
});

describe('a hold as it was', () => {
  const step = (type: string, at: number, status?: string) =>
    asOf(whole, {
      type: `approval.${type}`,
      approval: 'apr_1',
      occurred_at: new Date(at).toISOString(),
      detail: status === undefined ? {} : { status },
    });

  it('when it was requested: nobody had decided', () => {
    const then = step('requested', NOW - 1_000);
    expect(then).toMatchObject({ status: 'pending', decisions: [], approver: undefined, decidedAt: undefined });
  });

  it('when the first of two decided: pending, with that decision', () => {
    expect(step('decided', NOW, 'pending')).toMatchObject({
      status: 'pending',
      decisions: [{ approver: 'adm_1' }],
      approver: undefined,
    });
  });

  it('when it was decided, used and over', () => {
    expect(step('decided', NOW + 1_000, 'approved')).toMatchObject({ status: 'approved', decidedAt: NOW + 1_000 });
    expect(step('consumed', NOW + 2_000).status).toBe('consumed');
    expect(step('expired', NOW + 2_000).status).toBe('expired');
  });
});
