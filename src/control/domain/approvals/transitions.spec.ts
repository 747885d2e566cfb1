import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ApprovalRule } from '../../../policy/index.js';
import { approverNeed, isSatisfied } from './approver-class.js';
import type { Approval, ApprovalStatus } from './approval.js';
import { decideApproval, statusAt, type Verdict } from './transitions.js';

const NOW = 1_700_000_000_000;
const HOUR = 3_600_000;

interface Case {
  readonly name: string;
  readonly rules: readonly ApprovalRule[];
  readonly need: readonly [string, number];
  readonly decisions: readonly {
    approver: string;
    approver_class: 'operator' | 'subject';
    decision: 'approve' | 'deny';
  }[];
  readonly after: readonly string[];
}

const { decisions } = JSON.parse(readFileSync('test/vectors/approvals.json', 'utf8')) as { decisions: readonly Case[] };

function hold(rules: readonly ApprovalRule[], change: Partial<Approval> = {}): Approval {
  return {
    zone: 'acme',
    id: 'apr_1',
    binding: 'b',
    origin: 'exchange',
    status: 'pending',
    ...approverNeed(rules),
    requirements: rules,
    decisions: [],
    application: 'app_1',
    sides: [],
    raisers: [],
    privacy: 'full',
    subject: 'user:sis_1:u',
    resources: [],
    scopes: [],
    policyVersion: 1,
    determining: [],
    createdAt: NOW,
    expiresAt: NOW + HOUR,
    ...change,
  };
}

const OPERATOR: ApprovalRule = { rule: 'r', approverClass: 'operator', quorum: 1 };
const approve: Verdict = { approver: 'o1', approverClass: 'operator', decision: 'approve' };
const faultOf = (approval: Approval, verdict: Verdict, now = NOW): string | undefined => {
  const decided = decideApproval(approval, verdict, now);
  return decided.ok ? undefined : decided.fault;
};

describe('decisions on a hold', () => {
  it.each(decisions)('$name', ({ rules, need, decisions: made, after }) => {
    let approval = hold(rules);
    expect([approval.approverClass, approval.quorum]).toEqual(need);
    const seen = made.map(({ approver, approver_class, decision }) => {
      const decided = decideApproval(approval, { approver, approverClass: approver_class, decision }, NOW);
      if (decided.ok) ({ approval } = decided);
      return decided.ok ? approval.status : decided.fault;
    });
    expect(seen).toEqual(after);
  });

  const statuses: readonly ApprovalStatus[] = ['approved', 'denied', 'expired', 'consumed'];
  it.each(statuses)('[T4] leave a hold that is %s as it is', (status) => {
    expect(faultOf(hold([OPERATOR], { status }), approve)).toBe('not_pending');
    expect(faultOf(hold([OPERATOR], { status }), { ...approve, decision: 'deny' })).toBe('not_pending');
  });

  it('come too late at the very end of the hold', () => {
    expect(faultOf(hold([OPERATOR]), approve, NOW + HOUR - 1)).toBeUndefined();
    expect(faultOf(hold([OPERATOR]), approve, NOW + HOUR)).toBe('not_pending');
  });

  it('[T2] are never about something else than was shown', () => {
    expect(faultOf(hold([OPERATOR]), { ...approve, binding: 'other' })).toBe('other_binding');
    expect(faultOf(hold([OPERATOR]), { ...approve, binding: 'b' })).toBeUndefined();
  });

  it('[T1] are never made by operators who answer for the request or whom it is for, whatever token they use', () => {
    const { subject } = hold([OPERATOR]);
    for (const decision of ['approve', 'deny'] as const) {
      expect(faultOf(hold([OPERATOR], { raisers: ['x', 'o1'] }), { ...approve, decision })).toBe('own_request');
      expect(faultOf(hold([OPERATOR], { raisers: ['ops'] }), { ...approve, person: 'ops', decision })).toBe(
        'own_request',
      );
      expect(faultOf(hold([OPERATOR]), { ...approve, person: subject, decision })).toBe('own_request');
    }
    expect(faultOf(hold([OPERATOR], { raisers: ['ops'] }), { ...approve, person: 'oops' })).toBeUndefined();
  });

  it('[T1] of the subject are asked of the subject, also when it answers for the session', () => {
    const asked = hold([{ rule: 'r', approverClass: 'subject', quorum: 1 }], { raisers: ['user:sis_1:u'] });
    expect(faultOf(asked, { approver: asked.subject, approverClass: 'subject', decision: 'approve' })).toBeUndefined();
  });

  it('[T2] of one person count once, whatever tokens it holds and in whatever role it comes', () => {
    const two = hold([{ rule: 'r', approverClass: 'any', quorum: 2 }], { subject: 'user:sis_1:mary' });
    const first = decideApproval(two, { ...approve, approver: 'o1', person: 'ann' }, NOW);
    if (!first.ok) throw new Error(first.fault);
    expect(first.approval.status).toBe('pending');
    expect(faultOf(first.approval, { ...approve, approver: 'o2', person: 'ann' })).toBe('decided_already');
    expect(faultOf(first.approval, { ...approve, approver: 'ann', approverClass: 'subject' })).toBe('decided_already');
    const second = decideApproval(first.approval, { ...approve, approver: 'o2', person: 'bob' }, NOW);
    expect(second.ok && second.approval.status).toBe('approved');
  });

  it('[T2] approve only with every rule’s quorum of different people, in whatever order they come', () => {
    const rule = fc.record({
      rule: fc.constantFrom('a', 'b', 'c'),
      approverClass: fc.constantFrom<ApprovalRule['approverClass'][]>('operator', 'subject', 'any'),
      quorum: fc.integer({ min: 1, max: 3 }),
    });
    const verdict = fc.record({
      approver: fc.constantFrom('p1', 'p2', 'p3', 'p4'),
      approverClass: fc.constantFrom<('operator' | 'subject')[]>('operator', 'subject'),
      decision: fc.constantFrom<('approve' | 'deny')[]>('approve', 'approve', 'approve', 'deny'),
    });
    fc.assert(
      fc.property(
        fc.array(rule, { minLength: 1, maxLength: 3 }),
        fc.array(verdict, { maxLength: 8 }),
        (rules, verdicts) => {
          let approval = hold(rules);
          for (const one of verdicts) {
            const decided = decideApproval(approval, one, NOW);
            if (decided.ok) ({ approval } = decided);
          }
          const people = approval.decisions.map(({ approver }) => approver);
          expect(new Set(people).size).toBe(people.length);
          const denied = approval.decisions.some(({ decision }) => decision === 'deny');
          const satisfied = isSatisfied(rules, approval.decisions);
          expect(approval.status).toBe(denied ? 'denied' : satisfied ? 'approved' : 'pending');
          if (satisfied) expect(people.length).toBeGreaterThanOrEqual(approval.quorum);
        },
      ),
    );
  });

  it('[T2] no rules are satisfied by nobody', () => {
    expect(isSatisfied([], [])).toBe(false);
  });
});

describe('what holds now', () => {
  const table: readonly [ApprovalStatus, ApprovalStatus][] = [
    ['pending', 'expired'],
    ['approved', 'expired'],
    ['denied', 'denied'],
    ['consumed', 'consumed'],
    ['expired', 'expired'],
  ];
  it.each(table)('of a hold that is %s, past its time: %s', (status, then) => {
    expect(statusAt({ status, expiresAt: NOW }, NOW)).toBe(then);
    expect(statusAt({ status, expiresAt: NOW + 1 }, NOW)).toBe(status);
  });
});
