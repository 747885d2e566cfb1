import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { isSignedBy } from '../../../test/support/sigv4-oracle.js';
import { type AwsCredential, type RequestToSign, signRequest } from './sigv4.js';

const CREDENTIAL: AwsCredential = {
  region: 'eu-west-1',
  service: 's3',
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: undefined,
};
const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const request = (members: Partial<RequestToSign> = {}): RequestToSign => ({
  method: 'GET',
  target: '/',
  host: 'bucket.example:8443',
  headers: [],
  body: undefined,
  ...members,
});

function received(signed: RequestToSign, credential = CREDENTIAL) {
  const { headers } = signRequest(signed, credential, NOW);
  const map: Record<string, string> = { host: signed.host };
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = (headers[at] as string).toLowerCase();
    map[name] = name in map ? `${map[name]},${headers[at + 1]}` : (headers[at + 1] as string);
  }
  return { method: signed.method, target: signed.target, headers: map };
}

describe('AWS Signature Version 4, with the AWS SDK as oracle', () => {
  const requests: [string, Partial<RequestToSign>][] = [
    ['a plain GET', {}],
    ['a path with encoded characters', { target: '/a%20b/%C3%BC/c~d_e-f.g' }],
    [
      'a query out of order, with empty and encoded members',
      { target: '/b?z=1&list-type=2&prefix=a%2Fb%20c&empty=&acl' },
    ],
    ['a body', { method: 'PUT', target: '/k', body: Buffer.from('hello'), headers: ['Content-Type', 'text/plain'] }],
    [
      'fields of the service',
      { method: 'PUT', headers: ['X-Amz-Meta-A', 'one', 'x-amz-acl', 'private', 'X-Other', 'no'] },
    ],
    ['a value with spaces to be folded', { headers: ['x-amz-meta-b', '  two   words '] }],
  ];
  it.each(requests)('agrees on %s to s3', async (_, members) => {
    expect(await isSignedBy(received(request(members)), CREDENTIAL)).toBe(true);
  });

  it.each([
    ...requests,
    ['a path that is encoded twice', { target: '/a%2520b/x%20y' }] as [string, Partial<RequestToSign>],
  ])('agrees on %s to another service', async (_, members) => {
    const credential = { ...CREDENTIAL, service: 'execute-api' };
    expect(await isSignedBy(received(request(members), credential), credential)).toBe(true);
  });

  it('agrees with temporary credentials, whose token is signed along', async () => {
    const arrived = received(request(), { ...CREDENTIAL, sessionToken: 'session-token' });
    expect(arrived.headers['x-amz-security-token']).toBe('session-token');
    expect(arrived.headers['authorization']).toContain('x-amz-security-token');
    expect(await isSignedBy(arrived, CREDENTIAL)).toBe(true);
  });

  it('[T3] another method, target, signed field or key is another signature', async () => {
    const arrived = received(request({ method: 'PUT', target: '/a?b=c', headers: ['x-amz-acl', 'private'] }));
    const altered = [
      { ...arrived, method: 'DELETE' },
      { ...arrived, target: '/a?b=d' },
      { ...arrived, target: '/b?b=c' },
      { ...arrived, headers: { ...arrived.headers, 'x-amz-acl': 'public-read' } },
      { ...arrived, headers: { ...arrived.headers, host: 'elsewhere.example' } },
      { ...arrived, headers: { ...arrived.headers, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } },
    ];
    expect(await isSignedBy(arrived, CREDENTIAL)).toBe(true);
    for (const other of altered) expect(await isSignedBy(other, CREDENTIAL)).toBe(false);
    expect(await isSignedBy(arrived, { ...CREDENTIAL, secretAccessKey: 'other' })).toBe(false);
  });
});

describe('what is signed and what is not', () => {
  const fieldOf = (name: string, members: Partial<RequestToSign>) => received(request(members)).headers[name];

  it.each<[string, RequestToSign['body'], readonly string[], string]>([
    ['of no body', undefined, [], createHash('sha256').digest('hex')],
    ['of a body that is known', Buffer.from('x'), [], createHash('sha256').update('x').digest('hex')],
    ['of a stream', 'stream', [], 'UNSIGNED-PAYLOAD'],
    [
      'that the caller states, for the upstream to check',
      'stream',
      ['x-amz-content-sha256', 'a'.repeat(64)],
      'a'.repeat(64),
    ],
  ])('the hash %s', (_, body, headers, hash) => {
    expect(fieldOf('x-amz-content-sha256', { body, headers })).toBe(hash);
  });

  it('[T3] replaces what the caller says of time, token and authority, in every spelling', () => {
    const headers = [
      'X-Amz-Date',
      '19700101T000000Z',
      'x_amz_security_token',
      'theirs',
      'Authorization',
      'AWS4 theirs',
      'Date',
      'x',
    ];
    const arrived = received(request({ headers }));
    expect(arrived.headers['x-amz-date']).toBe('20260102T030405Z');
    expect(JSON.stringify(arrived.headers)).not.toContain('theirs');
    expect(arrived.headers['date']).toBeUndefined();
  });

  it('refuses chunks that carry signatures of the caller’s', () => {
    const headers = ['x-amz-content-sha256', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'];
    expect(() => signRequest(request({ headers }), CREDENTIAL, NOW)).toThrow('invalid_request');
    expect(() => signRequest(request({ target: '/%e0%a4%a' }), CREDENTIAL, NOW)).toThrow('invalid_request');
  });

  it('[T5] names the signature and the session token as what must not come back', () => {
    const { headers, secrets } = signRequest(request(), { ...CREDENTIAL, sessionToken: 'tok' }, NOW);
    expect(secrets).toEqual([/Signature=(.*)$/.exec(headers.at(-1) as string)?.[1], 'tok']);
    expect(headers.join()).not.toContain(CREDENTIAL.secretAccessKey);
  });
});
