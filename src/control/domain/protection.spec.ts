import { describe, expect, it } from '@jest/globals';
import { planProtection } from './protection.js';

describe('what is protected when little is said', () => {
  it('is every call, for one scope', () => {
    expect(planProtection(undefined, undefined)).toEqual({
      scopes: [{ name: 'access', description: 'Every call' }],
      operations: [{ method: '*', path: '/**', scope: 'access' }],
    });
    expect(planProtection([{ name: 'use' }], [])).toEqual({
      scopes: [{ name: 'use' }],
      operations: [{ method: '*', path: '/**', scope: 'use' }],
    });
  });

  it('takes the scopes from the operations when only these are named', () => {
    const operations = [
      { method: 'GET', path: '/**', scope: 'read' },
      { method: 'POST', path: '/**', scope: 'read write' },
    ];
    expect(planProtection(undefined, operations)).toEqual({
      scopes: [{ name: 'read' }, { name: 'write' }],
      operations,
    });
  });

  it('[T2] does not guess which call needs which of several scopes', () => {
    expect(planProtection([{ name: 'read' }, { name: 'write' }], undefined)).toMatchObject({
      fault: { field: 'operations' },
    });
  });
});
