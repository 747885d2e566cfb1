/** What a request presents for itself (RFC 6750 §2.1, RFC 9449 §7.1). */
export type PresentedToken =
  | { readonly kind: 'none' }
  | { readonly kind: 'unusable'; readonly reason: string }
  | { readonly kind: 'token'; readonly scheme: 'bearer' | 'dpop'; readonly token: string };

const MAX_TOKEN_BYTES = 4096;
const CREDENTIALS = /^(bearer|dpop) +([A-Za-z0-9\-._~+/]+=*)$/i;

/**
 * The token in the `Authorization` header, from the header lines as they were received: two of them are unusable, although HTTP
 * libraries show only the first. Nothing else than this header is looked at: neither form nor query carries tokens (RFC 9700 §4.3.2).
 */
export function presentedToken(rawHeaders: readonly string[], maxBytes = MAX_TOKEN_BYTES): PresentedToken {
  const values = authorizationLines(rawHeaders);
  const [value] = values;
  if (value === undefined) return { kind: 'none' };
  if (values.length > 1) return { kind: 'unusable', reason: 'several Authorization headers' };
  const [, scheme, token] = CREDENTIALS.exec(value) ?? [];
  if (scheme === undefined || token === undefined) return { kind: 'unusable', reason: 'no bearer credentials' };
  if (token.length > maxBytes) return { kind: 'unusable', reason: 'the token is too long' };
  return { kind: 'token', scheme: scheme.toLowerCase() as 'bearer' | 'dpop', token };
}

function authorizationLines(rawHeaders: readonly string[]): string[] {
  const values: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length === 13 && name.toLowerCase() === 'authorization') values.push(rawHeaders[index + 1] as string);
  }
  return values;
}
