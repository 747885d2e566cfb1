import { In } from 'typeorm';
import type { ZoneTx } from '../../platform/database/index.js';
import { cedarSchema } from '../domain/cedar-schema.js';
import { DeclaredArgumentEntity } from './declared-argument.entity.js';
import { DeclaredScopeEntity } from './declared-scope.entity.js';
import { PolicySetEntity } from './policy-set.entity.js';
import { PolicyEntity } from './policy.entity.js';
import { RehearsalEntity } from './rehearsal.entity.js';

/** The entities of this module. */
export const POLICY_ENTITIES = [
  PolicyEntity,
  PolicySetEntity,
  DeclaredScopeEntity,
  DeclaredArgumentEntity,
  RehearsalEntity,
];

/** The active set of the zone with its texts in the set's order; undefined when none was ever activated. */
export async function readActiveSet(tx: ZoneTx): Promise<{ version: number; policies: PolicyEntity[] } | undefined> {
  const set = await tx.em.getRepository(PolicySetEntity).findOneBy({ zone: tx.zone, status: 'active' });
  return set ? { version: set.version, policies: await readPolicies(tx, set.policies) } : undefined;
}

/** A version with its texts in the set's order; undefined when there is none. */
export async function readSet(
  tx: ZoneTx,
  version: number,
): Promise<{ version: number; policies: PolicyEntity[] } | undefined> {
  const set = await tx.em.getRepository(PolicySetEntity).findOneBy({ zone: tx.zone, version });
  return set ? { version, policies: await readPolicies(tx, set.policies) } : undefined;
}

/** Policies by their ids, in the order of the ids; a missing one is left out. */
export async function readPolicies(tx: ZoneTx, ids: readonly string[]): Promise<PolicyEntity[]> {
  const found = await tx.em.getRepository(PolicyEntity).findBy({ zone: tx.zone, id: In([...ids]) });
  const byId = new Map(found.map((policy) => [policy.id, policy]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}

/** Every scope the zone has ever declared. */
async function readDeclaredScopes(tx: ZoneTx): Promise<string[]> {
  const rows = await tx.em.getRepository(DeclaredScopeEntity).findBy({ zone: tx.zone });
  return rows.map((row) => row.scope);
}

/** What the texts of the zone are validated against: one name may have had several types. */
export async function readSchema(tx: ZoneTx): Promise<ReturnType<typeof cedarSchema>> {
  const args = await tx.em.getRepository(DeclaredArgumentEntity).findBy({ zone: tx.zone });
  return cedarSchema(await readDeclaredScopes(tx), args);
}

/** The version that the next text of this name gets; the caller holds the zone's row. */
export async function nextPolicyVersion(tx: ZoneTx, name: string): Promise<number> {
  const [row] = await tx.query<{ next: number }>(
    'SELECT coalesce(max(version), 0) + 1 AS next FROM policies WHERE zone = $1 AND name = $2',
    [tx.zone, name],
  );
  return row?.next ?? 1;
}

/** The version that the zone's next set gets; the caller holds the zone's row. */
export async function nextSetVersion(tx: ZoneTx): Promise<number> {
  const [row] = await tx.query<{ next: number }>(
    'SELECT coalesce(max(version), 0) + 1 AS next FROM policy_sets WHERE zone = $1',
    [tx.zone],
  );
  return row?.next ?? 1;
}
