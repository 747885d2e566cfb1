const MOST_LENGTH = 1_024;
const PARAMETER = /^\{([A-Za-z_][A-Za-z0-9_]{0,63})\}$/;
/** pchar of RFC 3986 §3.3. */
const LITERAL = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})*$/;
/** What the gateway refuses in any request path, so that no rule can be written that never matches. */
const NEVER_FORWARDED = /%(?:2f|5c|00|0[1-9a-f]|1[0-9a-f]|7f)/i;
const DOT_SEGMENT = /^(?:\.|%2e){1,2}(?:;|$)/i;
const TRIPLET = /%[0-9a-fA-F]{2}/g;
const UNRESERVED = /[A-Za-z0-9\-._~]/;

export const TEMPLATE_RULE =
  'must be a path of literal segments, {name} segments and an optional trailing /**, like /repos/{owner}/issues/**';

/** What is wrong with an operation's path template, or undefined. A `{name}` stands for one whole segment; `/**` ends the template. */
export function templateFault(path: string): string | undefined {
  if (path.length > MOST_LENGTH || !path.startsWith('/')) return TEMPLATE_RULE;
  const open = path.endsWith('/**');
  const names = new Set<string>();
  for (const segment of (open ? path.slice(0, -3) : path).split('/').slice(1)) {
    const fault = segmentFault(segment, names);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/**
 * The same text for templates that match the same paths: parameters without their names, unreserved characters decoded and other
 * encodings in one case (RFC 3986 §6.2.2).
 */
export function templateShape(path: string): string {
  return path
    .split('/')
    .map((segment) => (PARAMETER.test(segment) ? '{}' : matchingForm(segment)))
    .join('/');
}

function segmentFault(segment: string, names: Set<string>): string | undefined {
  const name = PARAMETER.exec(segment)?.[1];
  if (name !== undefined) {
    if (names.has(name)) return `names {${name}} twice`;
    names.add(name);
    return undefined;
  }
  if (segment === '*' || segment.includes('**')) return 'allows /** at the end only; write {name} for one segment';
  if (!LITERAL.test(segment)) return TEMPLATE_RULE;
  if (DOT_SEGMENT.test(segment)) return 'must not hold dot segments';
  return NEVER_FORWARDED.test(segment) ? 'must not hold an encoded slash, backslash or control character' : undefined;
}

function matchingForm(segment: string): string {
  return segment.replace(TRIPLET, (triplet) => {
    const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
    return UNRESERVED.test(character) ? character : triplet.toUpperCase();
  });
}
