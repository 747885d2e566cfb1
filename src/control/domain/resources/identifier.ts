const MOST = 1_024;
/** Characters of a URI (RFC 3986 §2) but `#`: a resource indicator has no fragment (RFC 8707 §2). */
const URI_TEXT = /^[a-z][a-z0-9+.-]*:[A-Za-z0-9\-._~:/?[\]@!$&'()*+,;=%]+$/;
const BROKEN_ENCODING = /%(?![0-9A-Fa-f]{2})/;

/**
 * What is wrong with a resource identifier, or undefined: an absolute URI without fragment (RFC 8707 §2), outside this server's own addresses,
 * so that the audiences of the token classes stay disjoint (RFC 9068 §4, RFC 8725 §3.9).
 */
export function identifierFault(text: string, ownBase: string): string | undefined {
  if (text.length > MOST) return `must not be longer than ${MOST} characters`;
  if (!URI_TEXT.test(text) || BROKEN_ENCODING.test(text))
    return 'must be an absolute URI without fragment, like https://api.example.com or urn:example:billing';
  if (isUnder(text, ownBase)) return "must not lie under this server's own address";
  return undefined;
}

/** The identifier of a resource that was registered without one. Slugs are never reused, so neither is this. */
export function defaultIdentifier(zone: string, slug: string): string {
  return `urn:caracal:${zone}:${slug}`;
}

/** Compared as URLs where both are, so that spelling (case of the host, default port) opens no way around. */
function isUnder(text: string, base: string): boolean {
  if (!URL.canParse(text) || !URL.canParse(base)) return text.startsWith(base);
  const [url, own] = [new URL(text), new URL(base)];
  return (
    url.protocol === own.protocol && url.host === own.host && url.pathname.startsWith(own.pathname.replace(/\/$/, ''))
  );
}
