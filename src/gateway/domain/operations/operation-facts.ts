/**
 * The members of a raw query as servers read them (WHATWG URL §5.1), names that come more than once as arrays. Undefined when two servers could
 * read it differently: an encoding that is broken or no UTF-8, or a `;`, which some take for a separator.
 */
export function queryMembers(query: string): Readonly<Record<string, unknown>> | undefined {
  const members = Object.create(null) as Record<string, string | string[]>;
  if (query.includes(';')) return undefined;
  for (const member of query.replace(/^\?/, '').split('&')) {
    if (member === '') continue;
    const end = member.includes('=') ? member.indexOf('=') : member.length;
    const name = decoded(member.slice(0, end).replaceAll('+', ' '));
    const value = decoded(member.slice(end + 1).replaceAll('+', ' '));
    if (name === undefined || value === undefined) return undefined;
    const before = members[name];
    members[name] = before === undefined ? value : [before, value].flat();
  }
  return members;
}

/** The `{name}` segments of a path, decoded. Undefined when one of them is no UTF-8. */
export function pathParameters(
  names: readonly (string | undefined)[],
  segments: readonly string[],
): Readonly<Record<string, unknown>> | undefined {
  const parameters = Object.create(null) as Record<string, string>;
  for (const [at, name] of names.entries()) {
    if (name === undefined) continue;
    const value = decoded(segments[at] ?? '');
    if (value === undefined) return undefined;
    parameters[name] = value;
  }
  return parameters;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
