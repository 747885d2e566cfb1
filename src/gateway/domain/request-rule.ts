import { GatewayError } from './gateway-error.js';
import { refusalOfPath } from './path-rule.js';
import { type GatewayTarget, parseTarget } from './target.js';
import { valuesOf } from './upstream-request.js';

/** The methods that can be declared; `TRACE`, `CONNECT` and everything else are refused whatever a resource declares. */
export const ALLOWED_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** What HTTP parsers know besides; routed here, so that it is refused in the gateway's own words. */
export const REFUSED_METHODS = [
  ...[
    'TRACE',
    'QUERY',
    'SEARCH',
    'PURGE',
    'SOURCE',
    'LINK',
    'UNLINK',
    'M-SEARCH',
    'NOTIFY',
    'SUBSCRIBE',
    'UNSUBSCRIBE',
  ],
  ...['ACL', 'BIND', 'REBIND', 'UNBIND', 'CHECKOUT', 'COPY', 'LOCK', 'UNLOCK', 'MERGE', 'MKACTIVITY', 'MKCALENDAR'],
  ...['MKCOL', 'MOVE', 'PROPFIND', 'PROPPATCH', 'REPORT'],
] as const;

const ALLOWED: ReadonlySet<string> = new Set(ALLOWED_METHODS);
/** So that the path always fits into a ledger entry as it is. */
const LONGEST_PATH = 4_096;

/** The target of a request with one host (RFC 9112 §3.2), or a refusal that says nothing about any resource. */
export function requireTarget(raw: string, rawHeaders: readonly string[]): GatewayTarget {
  if (valuesOf(rawHeaders, 'host').length > 1) throw new GatewayError('invalid_request', { detail: 'two hosts' });
  const target = parseTarget(raw);
  if (typeof target === 'string') throw new GatewayError(target);
  return target;
}

/** Refuses what no resource can allow: a method outside the list, a path with two readings, a body announced to be over the limit. */
export function requireForwardable(method: string, path: string, announcedBytes: number, maxBodyBytes: number): void {
  if (!ALLOWED.has(method)) throw new GatewayError('method_not_allowed', { detail: method });
  const reason = path.length > LONGEST_PATH ? 'too_long' : refusalOfPath(path);
  if (reason !== undefined)
    throw new GatewayError('path_not_allowed', { detail: reason, reasons: ['path_not_allowed', reason] });
  if (announcedBytes > maxBodyBytes)
    throw new GatewayError('request_too_large', { detail: `${announcedBytes} bytes announced` });
}
