import type { OnceClaim } from '../../audit/index.js';
import type { TokenClaims } from '../../auth/index.js';
import type { DelegationEdge, Lineage } from '../../policy/index.js';
import type { CountedDetail } from '../domain/detail-coverage.js';

/** `exp` is compared with some leeway, so what was spent outlives it a little. */
const GRACE_MS = 10_000;
/** What has no end of its own is forgotten with what it belongs to. */
const NEVER = Date.UTC(9999, 0);
const CALLS = 'calls';

type CallBudget = NonNullable<Lineage['current']['callBudgets']>[number];

/** Everything that a call may count against. */
export interface Counted {
  readonly claims: Pick<TokenClaims, 'jti' | 'exp'>;
  /** Of the mandate's details: one of them must have a call left. */
  readonly details: readonly CountedDetail[];
  readonly edges: readonly Pick<DelegationEdge, 'id' | 'maxCalls' | 'expiresAt'>[];
  /** The sessions that the authority came through, with their budgets and those above them. */
  readonly sessions: readonly { readonly callBudgets?: readonly CallBudget[] | undefined }[];
}

/** What a call spends with its entry: a unit of each delegation and session that allows only so many, and of one of the details that do. */
export function callBudgets({ claims: { jti, exp }, details, edges, sessions }: Counted): readonly OnceClaim[] {
  return [
    ...details.map(({ at, max }) => ({ ...unit(`${jti} ${at}`, max, exp * 1_000), among: jti })),
    ...edges.flatMap(({ id, maxCalls, expiresAt }) => (maxCalls === undefined ? [] : [unit(id, maxCalls, expiresAt)])),
    ...distinct(sessions).map(({ session, max, until }) => unit(session, max, until)),
  ];
}

function distinct(sessions: Counted['sessions']): readonly CallBudget[] {
  const all = sessions.flatMap(({ callBudgets: budgets = [] }) => budgets);
  return all.filter(({ session }, at) => all.findIndex((one) => one.session === session) === at);
}

/** A mandate may be presented a little after its `exp`, but nothing is used after the end of its delegation or session. */
function unit(key: string, limit: number, ends = NEVER): OnceClaim {
  return { kind: CALLS, key, limit, expiresAt: Math.min(NEVER, ends + GRACE_MS) };
}
