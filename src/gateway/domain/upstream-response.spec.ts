import { describe, expect, it } from '@jest/globals';
import { type ResponseRules, responseHeaders, rewriteReference } from './upstream-response.js';

const RULES: ResponseRules = {
  upstreamOrigin: 'https://api.example.com',
  basePath: '/v1',
  gatewayUrl: 'http://gw/g/z/s',
  passCookies: false,
};

describe('[T3] responseHeaders', () => {
  it('keeps order, spelling and repetitions of everything else', () => {
    const received = [
      'Content-Type',
      'a/b',
      'Link',
      '<1>',
      'link',
      '<2>',
      'ETag',
      '"x"',
      'Content-Length',
      '3',
      'WWW-Authenticate',
      'Basic',
      'Date',
      'now',
      'Trailer',
      'X-T',
      'Via',
      '1.1 other',
    ];
    expect(responseHeaders(received, RULES)).toEqual(received);
  });

  it.each([
    'Connection',
    'Keep-Alive',
    'Transfer-Encoding',
    'TE',
    'Upgrade',
    'Proxy-Authenticate',
    'Server',
    'X-Powered-By',
    'Refresh',
    'Set-Cookie',
    'set_cookie',
    'X-Request-Id',
    'Authority-Receipt',
    'Caracal-Error',
    'caracal_error',
  ])('removes %s', (name) => {
    expect(responseHeaders([name, 'x', 'Kept', 'y'], RULES)).toEqual(['Kept', 'y']);
  });

  it('removes what Connection names and passes cookies only where the resource says so', () => {
    expect(
      responseHeaders(['Connection', 'X-Hop', 'X-Hop', '1', 'Set-Cookie', 'a=b'], { ...RULES, passCookies: true }),
    ).toEqual(['Set-Cookie', 'a=b']);
  });
});

describe('[T3] rewriteReference (RFC 9110 §10.2.2)', () => {
  it.each([
    ['items/3', 'items/3'],
    ['/v1/items/3', '/v1/items/3'],
    ['?page=2', '?page=2'],
    ['#frag', '#frag'],
    ['https://api.example.com/v1', 'http://gw/g/z/s'],
    ['https://api.example.com/v1/', 'http://gw/g/z/s/'],
    ['https://api.example.com/v1/a%20b?x=%2F#f', 'http://gw/g/z/s/a%20b?x=%2F#f'],
    ['HTTPS://API.example.com:443/v1/x', 'http://gw/g/z/s/x'],
    ['//api.example.com/v1/x', 'http://gw/g/z/s/x'],
    ['https://api.example.com/v2/x', undefined],
    ['https://api.example.com/v1x', undefined],
    ['https://api.example.com/v1/../admin', undefined],
    ['http://api.example.com/v1/x', undefined],
    ['https://api.example.com:8443/v1/x', undefined],
    ['https://user@api.example.com/v1/x', undefined],
    ['https://evil.example/', undefined],
    ['//evil.example/', undefined],
    ['/\\evil.example/', undefined],
    ['\\\\evil.example/', undefined],
    ['/\t/evil.example', undefined],
    ['javascript:alert(1)', undefined],
    ['https://', undefined],
  ])('%s → %s', (value, expected) => {
    expect(rewriteReference(value, RULES)).toBe(expected);
  });

  it('names every place of an upstream without a path of its own', () => {
    expect(rewriteReference('https://api.example.com/x', { ...RULES, basePath: '' })).toBe('http://gw/g/z/s/x');
  });
});
