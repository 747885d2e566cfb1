import { describe, expect, it } from '@jest/globals';
import { acceptsHandshake, webSocketKey } from './handshake.js';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const GOOD = ['Host', 'h', 'Upgrade', 'websocket', 'Connection', 'keep-alive, Upgrade', 'Sec-WebSocket-Key', KEY];

describe('webSocketKey (RFC 6455 §4.2.1)', () => {
  it('is the key of a handshake', () => {
    expect(webSocketKey({ method: 'GET', httpVersion: '1.1', rawHeaders: GOOD })).toBe(KEY);
  });

  it.each([
    ['another method', { method: 'POST' }],
    ['HTTP/1.0', { httpVersion: '1.0' }],
    ['another protocol', { rawHeaders: ['Upgrade', 'h2c', 'Connection', 'Upgrade', 'Sec-WebSocket-Key', KEY] }],
    [
      'no Connection: upgrade',
      { rawHeaders: ['Upgrade', 'websocket', 'Connection', 'close', 'Sec-WebSocket-Key', KEY] },
    ],
    ['no key', { rawHeaders: GOOD.slice(0, 6) }],
    ['a short key', { rawHeaders: [...GOOD.slice(0, 7), 'abc'] }],
    ['two keys', { rawHeaders: [...GOOD, 'Sec-WebSocket-Key', KEY] }],
    ['a body', { rawHeaders: [...GOOD, 'Content-Length', '5'] }],
    ['chunks', { rawHeaders: [...GOOD, 'Transfer-Encoding', 'chunked'] }],
  ])('%s is an ordinary request', (_name, part) => {
    expect(webSocketKey({ method: 'GET', httpVersion: '1.1', rawHeaders: GOOD, ...part })).toBeUndefined();
  });
});

describe('[T3] acceptsHandshake (RFC 6455 §4.1)', () => {
  const accept = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
  it.each([
    [['Upgrade', 'websocket', 'Sec-WebSocket-Accept', accept], true],
    [['upgrade', 'WebSocket', 'sec-websocket-accept', ` ${accept}`], true],
    [['Sec-WebSocket-Accept', accept], false],
    [['Upgrade', 'h2c', 'Sec-WebSocket-Accept', accept], false],
    [['Upgrade', 'websocket'], false],
    [['Upgrade', 'websocket', 'Sec-WebSocket-Accept', 'bm90IHRoaXMgb25lIGF0IGFsbA=='], false],
  ])('%j: %s', (headers, expected) => {
    expect(acceptsHandshake(headers, KEY)).toBe(expected);
  });
});
