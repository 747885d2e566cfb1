import { describe, expect, it } from '@jest/globals';
import { adminAuditItem } from './admin-audit.js';
import { summarizeRequest } from './request-summary.js';

describe('what a request came to', () => {
  it('is its gravest decision with every reason', () => {
    const summary = summarizeRequest([
      {
        type: 'exchange',
        decision: 'allow',
        occurred_at: '2030-01-01T00:00:00.000Z',
        application: 'app_1',
        policy: { version: 3, determining: ['p1'], input: { a: 1 } },
      },
      {
        type: 'gateway.request',
        decision: 'deny',
        reasons: ['no_permit'],
        resource: 'https://api.example',
        occurred_at: '2030-01-01T00:00:01.000Z',
      },
      {
        type: 'gateway.outcome',
        occurred_at: '2030-01-01T00:00:02.000Z',
        chain: ['app_0', 'app_1'],
        scopes: ['read'],
        approval: 'apr_1',
        detail: { status: 201, ended: 'complete', duration_ms: 12, upstream: 'api.example', request: 7 },
      },
    ]);
    expect(summary).toEqual({
      entries: 3,
      types: ['exchange', 'gateway.request', 'gateway.outcome'],
      decision: 'deny',
      reasons: ['no_permit'],
      application: 'app_1',
      resource: 'https://api.example',
      chain: ['app_0', 'app_1'],
      scopes: ['read'],
      approval: 'apr_1',
      policy: { version: 3, determining: ['p1'] },
      outcome: { status: 201, ended: 'complete', duration_ms: 12, upstream: 'api.example' },
      started_at: '2030-01-01T00:00:00.000Z',
      ended_at: '2030-01-01T00:00:02.000Z',
    });
  });

  it('has no decision where none was made', () => {
    expect(summarizeRequest([{ type: 'admin.zones.create' }])).toEqual({ entries: 1, types: ['admin.zones.create'] });
  });
});

describe('an administrative change in the list of all zones', () => {
  const entry = {
    type: 'admin.zones.kill',
    actor: { kind: 'human', token: 'adm_1' },
    request_id: 'req_1',
    occurred_at: '2030-01-01T00:00:00.000Z',
    detail: { target: 'zone:acme', before_digest: 'sha256:a', after_digest: 'sha256:b' },
  };

  it('says who did what to what', () => {
    expect(adminAuditItem('acme', 7, entry)).toEqual({
      zone: 'acme',
      index: 7,
      actor: { kind: 'human', token: 'adm_1' },
      action: 'zones.kill',
      target: 'zone:acme',
      before_digest: 'sha256:a',
      after_digest: 'sha256:b',
      request_id: 'req_1',
      at: '2030-01-01T00:00:00.000Z',
    });
  });

  it('has no zone when it belongs to none', () => {
    expect(adminAuditItem('_system', 0, { ...entry, detail: {} })).toMatchObject({
      zone: null,
      target: null,
      before_digest: null,
    });
  });
});
