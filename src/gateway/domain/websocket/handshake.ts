import { createHash } from 'node:crypto';
import { type RawHeaders, valuesOf } from '../upstream-request.js';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** 16 bytes in base64 (RFC 6455 §4.1). */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

export interface UpgradeRequest {
  readonly method?: string | undefined;
  readonly httpVersion: string;
  readonly rawHeaders: RawHeaders;
}

/** The key of a request that asks to become a WebSocket (RFC 6455 §4.2.1); undefined for every other request, which is an ordinary one. */
export function webSocketKey({ method, httpVersion, rawHeaders: headers }: UpgradeRequest): string | undefined {
  if (method !== 'GET' || httpVersion !== '1.1') return undefined;
  if (!hasToken(headers, 'upgrade', 'websocket') || !hasToken(headers, 'connection', 'upgrade')) return undefined;
  if (valuesOf(headers, 'transfer-encoding').length > 0 || valuesOf(headers, 'content-length').some((n) => n !== '0'))
    return undefined;
  const keys = valuesOf(headers, 'sec-websocket-key');
  return keys.length === 1 && KEY.test(keys[0] as string) ? keys[0] : undefined;
}

/** True when an upstream's 101 answers this very handshake (RFC 6455 §4.1): whatever else it may be, it is no WebSocket. */
export function acceptsHandshake(headers: RawHeaders, key: string): boolean {
  const expected = createHash('sha1').update(`${key}${GUID}`).digest('base64');
  const accepted = valuesOf(headers, 'sec-websocket-accept');
  return hasToken(headers, 'upgrade', 'websocket') && accepted.length === 1 && accepted[0]?.trim() === expected;
}

function hasToken(headers: RawHeaders, name: string, token: string): boolean {
  return valuesOf(headers, name).some((value) => tokensOf(value).some((one) => one.toLowerCase() === token));
}

function tokensOf(value: string): string[] {
  return value
    .split(',')
    .map((token) => token.trim())
    .filter((token) => token !== '');
}
