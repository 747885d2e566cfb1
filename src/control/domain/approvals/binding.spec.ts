import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { HeldWork } from './approval.js';
import { bindingOf } from './binding.js';

interface Vectors {
  readonly bindings: readonly { readonly name: string; readonly work: HeldWork; readonly binding: string }[];
}

const { bindings } = JSON.parse(readFileSync('test/vectors/approvals.json', 'utf8')) as Vectors;
const full = bindings[0]?.work as HeldWork;

describe('the binding of a hold', () => {
  it.each(bindings)('is the vector’s for $name', ({ work, binding }) => {
    expect(bindingOf(work)).toBe(binding);
  });

  const changes: readonly [string, Partial<HeldWork>][] = [
    ['zone', { zone: 'other' }],
    ['application', { application: 'app_2' }],
    ['session', { session: 'ses_2' }],
    ['no session', { session: undefined }],
    ['delegation', { delegation: undefined }],
    ['subject', { subject: 'user:sis_1:bob' }],
    ['a resource less', { resources: full.resources.slice(1) }],
    ['a scope more', { scopes: [...full.scopes, 'pay'] }],
    ['authorization details', { authorizationDetails: [{ type: 'payment', amount: 2 }] }],
    ['operation', { operation: { method: 'PUT', path: '/orders', template: '/orders', body_digest: 'sha256:00' } }],
    ['body', { operation: { method: 'POST', path: '/orders', template: '/orders', body_digest: 'sha256:01' } }],
    ['policy version', { policyVersion: 4 }],
  ];

  it.each(changes)('[T2] is another one with another %s', (_what, change) => {
    expect(bindingOf({ ...full, ...change })).not.toBe(bindingOf(full));
  });

  it('does not depend on order or repetition', () => {
    const shuffled = fc.record({
      scopes: fc.shuffledSubarray(['a', 'b', 'c', 'd'], { minLength: 4 }),
      resources: fc.shuffledSubarray([...full.resources], { minLength: 2 }),
    });
    fc.assert(
      fc.property(shuffled, ({ scopes, resources }) => {
        const sorted = { ...full, scopes: ['a', 'b', 'c', 'd'] };
        expect(bindingOf({ ...full, scopes: [...scopes, ...scopes], resources })).toBe(bindingOf(sorted));
      }),
    );
  });

  it('[T2] never meets that of different scopes, however they are cut', () => {
    const scopes = fc.uniqueArray(fc.stringMatching(/^[a-z: ,"]{1,6}$/), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(scopes, scopes, (one, other) => {
        const same = JSON.stringify([...one].sort()) === JSON.stringify([...other].sort());
        expect(bindingOf({ ...full, scopes: one }) === bindingOf({ ...full, scopes: other })).toBe(same);
      }),
    );
  });
});
