/** What a request target of the gateway names; `path` and `query` are the caller's bytes, `query` with its `?`. */
export interface GatewayTarget {
  readonly zone: string;
  readonly slug: string;
  readonly path: string;
  readonly query: string;
}

export type TargetFault = 'invalid_request' | 'not_found';

const SLUG = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const PREFIX = '/g/';

/**
 * Guarantees that `/g/{zone}/{slug}` + `path` + `query` is the request target byte for byte. Absolute-form, authority-form and asterisk-form
 * (RFC 9112 §3.2) and targets with a fragment, a space or a control character are `invalid_request`. The caller must still judge the path.
 */
export function parseTarget(raw: string): GatewayTarget | TargetFault {
  if (!raw.startsWith('/') || hasForbiddenCharacter(raw)) return 'invalid_request';
  if (!raw.startsWith(PREFIX)) return 'not_found';
  const mark = raw.indexOf('?');
  const pathEnd = mark < 0 ? raw.length : mark;
  const zoneEnd = segmentEnd(raw, PREFIX.length, pathEnd);
  const slugEnd = segmentEnd(raw, zoneEnd + 1, pathEnd);
  const zone = raw.slice(PREFIX.length, zoneEnd);
  const slug = raw.slice(zoneEnd + 1, slugEnd);
  if (!SLUG.test(zone) || !SLUG.test(slug)) return 'not_found';
  return { zone, slug, path: raw.slice(slugEnd, pathEnd), query: raw.slice(pathEnd) };
}

function segmentEnd(raw: string, start: number, pathEnd: number): number {
  const slash = raw.indexOf('/', start);
  return slash < 0 || slash > pathEnd ? pathEnd : slash;
}

/** Anything that would end or split a request line, and `#`, which never belongs into one (RFC 9112 §3.2.1). */
function hasForbiddenCharacter(raw: string): boolean {
  for (let at = 0; at < raw.length; at += 1) {
    const code = raw.charCodeAt(at);
    if (code <= 0x20 || code === 0x7f || code === 0x23) return true;
  }
  return false;
}
