import { foldName, isCookie, isHopByHop, isNeverReturned, nominatedNames } from './header-names.js';
import { type RawHeaders, valuesOf } from './upstream-request.js';

/** What the rules about an upstream's answer need to know of the resource. */
export interface ResponseRules {
  /** `https://host[:port]` of the upstream. */
  readonly upstreamOrigin: string;
  /** `upstream_url`'s path without its trailing slash. */
  readonly basePath: string;
  readonly gatewayUrl: string;
  readonly passCookies: boolean;
}

const SCHEME = /^[a-zA-Z][a-zA-Z0-9+.-]*:/;

/**
 * The header fields of the answer: the upstream's own in their order and spelling, without those of the connection, banners, cookies (unless they
 * may pass), fields that speak for the gateway, and references that lead elsewhere (RFC 9110 §10.2.2, §8.7).
 */
export function responseHeaders(received: RawHeaders, rules: ResponseRules): string[] {
  const nominated = nominatedNames(valuesOf(received, 'connection'));
  const returned: string[] = [];
  for (let at = 0; at + 1 < received.length; at += 2) {
    const name = received[at] as string;
    const folded = foldName(name);
    if (
      isHopByHop(folded) ||
      isNeverReturned(folded) ||
      nominated.has(folded) ||
      (isCookie(folded) && !rules.passCookies)
    )
      continue;
    const value = isReference(folded) ? rewriteReference(received[at + 1] as string, rules) : received[at + 1];
    if (value !== undefined) returned.push(name, value);
  }
  return returned;
}

/** The fields without the announcement of trailers, for an answer that can have none (RFC 9110 §6.6.2): Node refuses to send it. */
export function withoutTrailerField(headers: RawHeaders): string[] {
  return headers.filter((_, at) => headers[at - (at % 2)]?.toLowerCase() !== 'trailer');
}

/**
 * A reference that is kept: relative ones as they are, absolute ones below `upstream_url` as the gateway URL's. Everything else is undefined:
 * another origin, a place of the origin that the gateway URL cannot name, and forms that lead out though they look relative (`//`, `\`).
 */
export function rewriteReference(value: string, rules: ResponseRules): string | undefined {
  const reference = value.trim();
  if (/[\u0000-\u0020\u007f\\]/.test(reference)) return undefined;
  if (!SCHEME.test(reference) && !reference.startsWith('//')) return reference;
  const url = parseAgainst(reference, rules.upstreamOrigin);
  if (!url || url.origin !== rules.upstreamOrigin || url.username !== '' || url.password !== '') return undefined;
  const isBelow = url.pathname === rules.basePath || url.pathname.startsWith(`${rules.basePath}/`);
  return isBelow ? rules.gatewayUrl + url.pathname.slice(rules.basePath.length) + url.search + url.hash : undefined;
}

function isReference(folded: string): boolean {
  return folded === 'location' || folded === 'content-location';
}

function parseAgainst(reference: string, base: string): URL | undefined {
  try {
    return new URL(reference, base);
  } catch {
    return undefined;
  }
}
