const ESCAPE = /%[0-9a-f]{2}/gi;
const UNRESERVED = /[A-Za-z0-9\-._~]/;

/**
 * The form in which two HTTP URIs are compared: syntax- and scheme-based normalisation (RFC 3986 §6.2.2–6.2.3), without query and fragment
 * (RFC 9449 §4.3 step 9). Undefined for what is no http(s) URI. It is for comparison only: nothing may be fetched from it.
 */
export function comparableUrl(text: string): string | undefined {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  url.search = '';
  url.hash = '';
  return url.href.replace(ESCAPE, normalEscape);
}

function normalEscape(escape: string): string {
  const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
  return UNRESERVED.test(character) ? character : escape.toUpperCase();
}
