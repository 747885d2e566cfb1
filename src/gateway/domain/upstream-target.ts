import type { QueryCredential } from './credential.js';

/**
 * The path and query that the upstream sees: `upstream_url`'s path without its trailing slash, the caller's raw path, the caller's raw query.
 * A key that travels in the query replaces the caller's own members of that name and comes last; every other byte stays.
 */
export function upstreamTarget(basePath: string, path: string, query: string, credential?: QueryCredential): string {
  const joined = path === '' ? basePath : basePath.replace(/\/$/, '') + path;
  return joined + (credential === undefined ? query : withCredential(query, credential));
}

function withCredential(query: string, { name, value }: QueryCredential): string {
  const members = query.length > 1 ? query.slice(1).split('&') : [];
  const kept = members.filter((member) => decodedName(member) !== Buffer.from(name).toString('latin1'));
  return `?${[...kept, `${encodeURIComponent(name)}=${encodeURIComponent(value)}`].join('&')}`;
}

/** The name as servers read it (WHATWG URL §5.1), bytes as characters of the same number. */
function decodedName(member: string): string {
  const end = member.indexOf('=');
  const raw = end < 0 ? member : member.slice(0, end);
  return raw
    .replaceAll('+', ' ')
    .replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
