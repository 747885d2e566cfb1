/** Sent with every answer of our own; a raw context's answers belong to the upstream and get none of these. */
const ALWAYS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};
const HSTS = 'max-age=31536000; includeSubDomains';

/** The header fields; a server known by an https URL tells browsers to stay there (RFC 6797 §7.2). Handlers may override `cache-control`. */
export function securityHeaders(publicUrl: string | undefined): Readonly<Record<string, string>> {
  return publicUrl?.startsWith('https:') ? { ...ALWAYS, 'strict-transport-security': HSTS } : ALWAYS;
}
