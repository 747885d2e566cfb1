import ipaddr from 'ipaddr.js';

/** True for `localhost` and the loopback addresses, as a URL's host spells them. */
export function isLoopbackHost(hostname: string): boolean {
  const bare = hostname.replace(/^\[|\]$/g, '');
  if (bare === 'localhost') return true;
  return ipaddr.isValid(bare) && ipaddr.process(bare).range() === 'loopback';
}

/**
 * Why the text cannot be the base of everything this server publishes, or undefined. The spelling must be the one a URL parser gives back:
 * issuers and audiences are compared as strings (RFC 8414 §3.3), so two spellings of one address would be two servers.
 */
export function publicUrlFault(text: string): string | undefined {
  if (!URL.canParse(text)) return 'must be an absolute http or https URL';
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must be an absolute http or https URL';
  if (url.username !== '' || url.password !== '') return 'must not hold a user or password';
  if (text.includes('?') || text.includes('#')) return 'must not have a query or fragment';
  if (text.endsWith('/')) return 'must not end with a slash';
  const canonical = url.href.replace(/\/$/, '');
  return canonical === text
    ? undefined
    : 'must be written in canonical form: lower-case host, no default port, no dot segments';
}

/** Whether the text is a URL of one of the schemes; what else it must hold is said by `demand`. */
export function isUrlOf(text: string, schemes: readonly string[], demand: (url: URL) => boolean = () => true): boolean {
  const full = withHost(text);
  if (!URL.canParse(full)) return false;
  const url = new URL(full);
  return schemes.includes(url.protocol) && demand(url);
}

export function holdsPassword(text: string): boolean {
  const full = withHost(text);
  if (!URL.canParse(full)) return false;
  const url = new URL(full);
  return url.password !== '' || url.searchParams.has('password');
}

/** `postgres:///name?host=/directory` is usual for sockets, and no URL parser takes credentials without a host. */
function withHost(text: string): string {
  return text.replace(/^(postgres(?:ql)?:\/\/)((?:[^/@]*@)?)\//, '$1$2localhost/');
}
