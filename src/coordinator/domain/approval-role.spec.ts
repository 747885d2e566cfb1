import { describe, expect, it } from '@jest/globals';
import { type ApprovalCaller, type ApprovalRole, approvalRole } from './approval-role.js';

const raised = { application: 'app_1', session: 'ses_2', subject: 'user:i:alice', sides: ['ses_1', 'ses_9'] };
const PATH = ['ses_1', 'ses_2'];
const caller = (change: Partial<ApprovalCaller>): ApprovalCaller => ({
  application: 'app_1',
  sub: 'user:i:alice',
  subType: 'user',
  ...change,
});
const session = (id: string, root = id) => ({ session: { id, root } });

const table: readonly [string, ApprovalCaller, ApprovalRole][] = [
  ['its application', caller({ sub: 'app:app_1', subType: 'application' }), 'requester'],
  ['the session that raised it', caller(session('ses_2', 'ses_1')), 'requester'],
  ['a session above that', caller(session('ses_1')), 'requester'],
  ['another session of the tree', caller(session('ses_3', 'ses_1')), 'side'],
  ['a session of the delegating tree', caller({ application: 'app_2', ...session('ses_10', 'ses_9') }), 'side'],
  ['the user in a tree of its own', caller({ application: 'app_2', ...session('ses_4') }), 'approver'],
  ['the user in another tree of the application', caller(session('ses_4')), 'approver'],
  [
    'another session of the application',
    caller({ sub: 'app:app_1', subType: 'application', ...session('ses_4') }),
    'side',
  ],
  ['another user', caller({ application: 'app_2', sub: 'user:i:bob', ...session('ses_4') }), 'stranger'],
  [
    'an application that looks like the user',
    caller({ application: 'app_2', subType: 'application', ...session('ses_4') }),
    'stranger',
  ],
  ['another application', caller({ application: 'app_2', sub: 'app:app_2', subType: 'application' }), 'stranger'],
];

describe('what a caller is to an approval', () => {
  it.each(table)('%s: %s', (_who, who, role) => {
    expect(approvalRole(raised, PATH, who)).toBe(role);
  });
});
