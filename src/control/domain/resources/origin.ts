/** Scheme, host and port of a URL (RFC 6454 §4); the URL was judged before. */
export function originOf(url: string): string {
  return new URL(url).origin;
}
