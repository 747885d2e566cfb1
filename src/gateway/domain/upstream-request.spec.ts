import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { foldName } from './header-names.js';
import { upstreamHeaders } from './upstream-request.js';

const OWN = { requestId: 'r-1', traceparent: '00-a-b-01' };
const ADDED = ['via', '1.1 caracal', 'x-request-id', 'r-1', 'traceparent', '00-a-b-01'];

describe('[T3] upstreamHeaders', () => {
  it('keeps order, spelling and repetitions', () => {
    const received = [
      'Accept',
      'a',
      'X-One',
      '1',
      'accept',
      'b',
      'X-one',
      '2',
      'Content-Type',
      'text/plain',
      'Accept-Encoding',
      'gzip',
    ];
    expect(upstreamHeaders(received, OWN)).toEqual([...received, ...ADDED]);
  });

  const removed = [
    'Authorization',
    'DPoP',
    'Cookie',
    'Host',
    'Content-Length',
    'Transfer-Encoding',
    'Connection',
    'Keep-Alive',
    'Proxy-Connection',
    'Proxy-Authorization',
    'Proxy-Anything',
    'Upgrade',
    'HTTP2-Settings',
    'Expect',
    'Trailer',
    'Via',
    'Forwarded',
    'X-Forwarded-For',
    'X-Forwarded-Whatever',
    'X-Real-IP',
    'True-Client-IP',
    'X-HTTP-Method-Override',
    'X-Method-Override',
    'X-HTTP-Method',
    'X-Original-URL',
    'X-Rewrite-URL',
    'X-Request-Id',
    'Traceparent',
    'Tracestate',
    'Caracal-Error',
    'Authority-Receipt',
    'X-Caracal-Zone',
  ];
  it.each(removed)('removes %s in any case and with underscores', (name) => {
    for (const spelling of [
      name,
      name.toLowerCase(),
      name.toUpperCase(),
      name.replaceAll('-', '_'),
      name.replace('-', '_'),
    ]) {
      expect(upstreamHeaders([spelling, 'x', 'Kept', 'y'], OWN)).toEqual(['Kept', 'y', ...ADDED]);
    }
  });

  it('removes what Connection names (RFC 9110 §7.6.1)', () => {
    const received = [
      'Connection',
      'close, X-Hop',
      'connection',
      'X_Other',
      'X-Hop',
      '1',
      'x_hop',
      '2',
      'X-Other',
      '3',
      'X-Stays',
      '4',
    ];
    expect(upstreamHeaders(received, OWN)).toEqual(['X-Stays', '4', ...ADDED]);
  });

  it('says TE: trailers only when the caller did (RFC 9110 §10.1.4)', () => {
    expect(upstreamHeaders(['TE', 'gzip;q=0.5, Trailers'], OWN)).toEqual(['te', 'trailers', ...ADDED]);
    expect(upstreamHeaders(['TE', 'gzip'], OWN)).toEqual(ADDED);
  });

  it('puts the credential last and drops the caller’s field of that name', () => {
    const own = { ...OWN, credential: { name: 'X-Api-Key', value: 'secret' }, tracestate: 'a=b' };
    expect(upstreamHeaders(['x_api_key', 'mine', 'X-API-KEY', 'mine', 'a', 'b'], own)).toEqual([
      'a',
      'b',
      ...ADDED,
      'tracestate',
      'a=b',
      'X-Api-Key',
      'secret',
    ]);
  });

  it('no field of the connection, of the caller’s authority or of ours survives from outside', () => {
    const name = fc.oneof(fc.constantFrom(...removed, 'Accept', 'X-Key'), fc.stringMatching(/^[A-Za-z_-]{1,12}$/));
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.constantFrom('close', 'keep-alive, accept', 'v'))), (pairs) => {
        const sent = upstreamHeaders(pairs.flat(), OWN);
        const outside = sent.slice(0, sent.length - ADDED.length).filter((_, at) => at % 2 === 0);
        const forbidden = removed.map(foldName);
        expect(outside.map(foldName).filter((one) => forbidden.includes(one) && one !== 'te')).toEqual([]);
        expect(sent.slice(-ADDED.length)).toEqual(ADDED);
      }),
    );
  });
});
