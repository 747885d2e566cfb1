const DEPTH = 5;
const BROKEN_ENCODING = /%(?![0-9a-fA-F]{2})/;
const TRIPLET = /%([0-9a-fA-F]{2})/g;
/** Encoded slash, backslash and NUL: upstreams disagree whether they separate segments or end the text. */
const ENCODED_SEPARATOR = /%(?:2f|5c|00)/i;
/** Overlong UTF-8 of ASCII characters (RFC 3629 §3): lenient decoders read `%c0%ae` as a dot. */
const OVERLONG = /%c[01]%[89ab]|%e0%[89]/i;
const CONTROL_OR_BACKSLASH = /[\u0000-\u001f\u007f\\]/;
const DOT_SEGMENT = /(?:^|\/)\.\.?(?:;[^/]*)?(?=\/|$)/;

/**
 * Guarantees that an accepted path means the same place to every upstream, whether it decodes it once or up to five times: no dot segments
 * (RFC 3986 §5.2.4, with or without `;` parameters), no encoded slash, backslash or NUL, no control characters, no broken percent-encoding
 * (RFC 3986 §2.1). Returns the reason of a refusal. The path itself is never changed.
 */
export function refusalOfPath(path: string): string | undefined {
  if (BROKEN_ENCODING.test(path)) return 'percent_encoding';
  let text = path;
  for (let depth = 0; depth <= DEPTH; depth += 1) {
    const reason = refusalOfForm(text);
    if (reason !== undefined) return reason;
    if (!text.includes('%')) return undefined;
    text = decodeOnce(text);
  }
  return undefined;
}

function refusalOfForm(text: string): string | undefined {
  if (CONTROL_OR_BACKSLASH.test(text)) return 'control_or_backslash';
  if (DOT_SEGMENT.test(text)) return 'dot_segment';
  if (ENCODED_SEPARATOR.test(text)) return 'encoded_separator';
  return OVERLONG.test(text) ? 'overlong_encoding' : undefined;
}

/** Bytes become characters of the same number; what the bytes mean in UTF-8 does not matter here. */
function decodeOnce(text: string): string {
  return text.replace(TRIPLET, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
