/** Lower case, hyphens for underscores: CGI-like servers cannot tell the two spellings apart, so neither do the rules. */
export function foldName(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}

/** RFC 9110 §7.6.1 and its historic companions: fields of one connection, never forwarded. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** The caller's authority, cookies, and what would make an upstream believe in another method, path, host or address. */
const NEVER_SENT: ReadonlySet<string> = new Set([
  'authorization',
  'dpop',
  'cookie',
  'cookie2',
  'host',
  'content-length',
  'expect',
  'trailer',
  'via',
  'x-request-id',
  'traceparent',
  'tracestate',
  'forwarded',
  'x-forwarded',
  'x-real-ip',
  'x-client-ip',
  'client-ip',
  'true-client-ip',
  'cf-connecting-ip',
  'fastly-client-ip',
  'x-cluster-client-ip',
  'x-originating-ip',
  'x-remote-ip',
  'x-remote-addr',
  'x-host',
  'x-original-url',
  'x-original-uri',
  'x-original-host',
  'x-original-method',
  'x-rewrite-url',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
]);

const NEVER_SENT_PREFIXES = ['x-forwarded-', 'proxy-', 'caracal-', 'x-caracal-', 'authority-'];

/** What an upstream may not set on our answer: banners, navigation of its own, fields that speak for the gateway. */
const NEVER_RETURNED: ReadonlySet<string> = new Set([
  'server',
  'x-powered-by',
  'refresh',
  'x-request-id',
  'dpop-nonce',
]);
const NEVER_RETURNED_PREFIXES = ['proxy-', 'caracal-', 'x-caracal-', 'authority-'];

const COOKIES: ReadonlySet<string> = new Set(['set-cookie', 'set-cookie2']);

/** True for a field that belongs to the connection only. `folded` is a name as {@link foldName} writes it. */
export function isHopByHop(folded: string): boolean {
  return HOP_BY_HOP.has(folded);
}

/** True for a field of the caller that the upstream must not see. */
export function isNeverSent(folded: string): boolean {
  return NEVER_SENT.has(folded) || NEVER_SENT_PREFIXES.some((prefix) => folded.startsWith(prefix));
}

/** True for a field of the upstream that the caller must not see. */
export function isNeverReturned(folded: string): boolean {
  return NEVER_RETURNED.has(folded) || NEVER_RETURNED_PREFIXES.some((prefix) => folded.startsWith(prefix));
}

export function isCookie(folded: string): boolean {
  return COOKIES.has(folded);
}

/** The fields that `Connection` names (RFC 9110 §7.6.1), folded. */
export function nominatedNames(values: readonly string[]): ReadonlySet<string> {
  return new Set(
    values
      .flatMap((value) => value.split(','))
      .map((token) => foldName(token.trim()))
      .filter((token) => token !== ''),
  );
}
