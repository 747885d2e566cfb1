import type { Limits } from './effective-limits.js';
import type { BucketVerdict } from './token-bucket.js';

/** A number of calls a minute that somebody may make to a resource. */
export interface Quota {
  readonly name: 'resource' | 'application' | 'session' | 'address';
  /** Whose bucket it is, within the resource. */
  readonly key: string;
  readonly perMinute: number;
}

export interface QuotaParties {
  readonly application: string;
  readonly session?: string | undefined;
  readonly address: string;
}

/** The quotas that a call counts against; one that does not apply (a session where there is none) is left out. */
export function quotasOf({ quotas }: Limits, { application, session, address }: QuotaParties): readonly Quota[] {
  const asked: [Quota['name'], string | undefined, number | undefined][] = [
    ['resource', '', quotas.resource],
    ['application', application, quotas.application],
    ['session', session, quotas.session],
    ['address', addressBlock(address), quotas.address],
  ];
  return asked.flatMap(([name, key, perMinute]) =>
    key === undefined || perMinute === undefined ? [] : [{ name, key: `${name}:${key}`, perMinute }],
  );
}

/** `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers §3, §4), names and values in turn. */
export function rateLimitHeaders(quotas: readonly Quota[], verdicts: readonly BucketVerdict[]): string[] {
  if (quotas.length === 0) return [];
  const states = quotas.map(({ name }, at) => {
    const { remaining = 0, resetSeconds = 1 } = verdicts[at] ?? {};
    return `"${name}";r=${remaining};t=${resetSeconds}`;
  });
  const policies = quotas.map(({ name, perMinute }) => `"${name}";q=${perMinute};w=60`);
  return ['RateLimit-Policy', policies.join(', '), 'RateLimit', states.join(', ')];
}

/** Whoever has an IPv6 address has a whole /64 of them. */
function addressBlock(address: string): string {
  if (!address.includes(':') || address.includes('.')) return address;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  const rest = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - groups.length - rest.length;
  const all = [...groups, ...Array.from({ length: zeros }, () => '0'), ...rest];
  return `${all.slice(0, 4).join(':')}::/64`;
}
