import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { cedarCall } from '../domain/cedar-call.js';
import type { PolicyInput } from '../domain/policy-input.js';
import type { PolicySource } from './compiled-policy-set.js';
import { policyParts } from './policy-text.js';

/** A permit that does not hold, and which parts of it fail: `principal`, `action`, `resource`, `condition 1` …. */
export interface NearPermit {
  readonly policy: string;
  readonly unmet: readonly string[];
}

const MOST = 3;
const ANY = { op: 'All' } as const;

/** The permits that come closest to permitting the input: the fewest failing parts first. Throws PolicyTextError. */
export function nearestPermits(sources: readonly PolicySource[], input: PolicyInput): NearPermit[] {
  const probes = new Map<string, cedar.PolicyJson>();
  const permits: { policy: string; parts: readonly string[] }[] = [];
  for (const { id, text } of sources.flatMap((source) => policyParts(source.id, source.cedar))) {
    const parsed = cedar.policyToJson(text);
    if (parsed.type === 'failure' || parsed.json.effect !== 'permit') continue;
    const parts = partsOf(parsed.json);
    for (const [part, probe] of parts) probes.set(`${id} ${part}`, probe);
    permits.push({ policy: id, parts: parts.map(([part]) => part) });
  }
  const met = satisfied(probes, input);
  return permits
    .map(({ policy, parts }) => ({ policy, unmet: parts.filter((part) => !met.has(`${policy} ${part}`)) }))
    .filter(({ unmet }) => unmet.length > 0)
    .sort((a, b) => a.unmet.length - b.unmet.length)
    .slice(0, MOST);
}

/** A permit taken apart: each part alone, as a permit of its own. */
function partsOf({ principal, action, resource, conditions }: cedar.PolicyJson): [string, cedar.PolicyJson][] {
  const open = { effect: 'permit', principal: ANY, action: ANY, resource: ANY, conditions: [] } as const;
  return [
    ['principal', { ...open, conditions: [], principal }],
    ['action', { ...open, conditions: [], action }],
    ['resource', { ...open, conditions: [], resource }],
    ...conditions.map((condition, at): [string, cedar.PolicyJson] => [
      `condition ${at + 1}`,
      { ...open, conditions: [condition] },
    ]),
  ];
}

function satisfied(probes: ReadonlyMap<string, cedar.PolicyJson>, input: PolicyInput): ReadonlySet<string> {
  const answer = cedar.isAuthorized({ ...cedarCall(input), policies: { staticPolicies: Object.fromEntries(probes) } });
  return new Set(answer.type === 'failure' ? [] : answer.response.diagnostics.reason);
}
