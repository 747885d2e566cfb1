import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../kernel/app-error.js';
import { CLOCK, type Clock } from '../kernel/clock.js';
import type { JsonObject } from '../kernel/json.js';
import {
  adminEntry,
  administratorActor,
  AuditedChanges,
  type AdminActor,
  type ChangeRunner,
  type ChangeTx,
  type RequestOrigin,
} from '../audit/index.js';
import { newId } from '../platform/ids/index.js';
import { Database, type ZoneTx } from '../platform/database/index.js';
import { withDraft } from './cedar/draft-slots.js';
import { failingTests, testedResource } from './domain/questions/policy-tests.js';
import { AUTHORITY_FACTS, type AuthorityFacts } from './ports.js';
import { validateText, type PolicyFault } from './cedar/policy-text.js';
import { invalidMember, refuseFaults } from './policy-faults.js';
import { nextPolicyVersion, nextSetVersion, readPolicies, readSchema } from './persistence/policy-store.js';
import { PolicyEntity } from './persistence/policy.entity.js';
import { PolicySetEntity } from './persistence/policy-set.entity.js';

/** Who authors, and in which request. */
export interface AuthoringCall {
  readonly actor: AdminActor;
  readonly origin: RequestOrigin;
}

/** Policies are texts that never change, sets are lists of them that never change; what changes is which set is active. */
@Injectable()
export class PolicyAuthoring {
  constructor(
    @Inject(AuditedChanges) private readonly changes: ChangeRunner,
    private readonly database: Database,
    @Inject(AUTHORITY_FACTS) private readonly authority: AuthorityFacts,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** The same, its changes made by `changes`: as parts of a larger transaction. */
  within(changes: ChangeRunner): PolicyAuthoring {
    return new PolicyAuthoring(changes, this.database, this.authority, this.clock);
  }

  /** Keeps a text as the next version of its name. Throws `invalid_request` with positions when it does not validate strictly. */
  createPolicy(call: AuthoringCall, zone: string, wanted: { name: string; cedar: string }): Promise<PolicyEntity> {
    return this.change(zone, async (tx) => {
      refuseFaults(await this.faultsOf(tx, wanted.cedar), 'cedar');
      const policy = tx.em.getRepository(PolicyEntity).create({
        ...wanted,
        zone,
        id: newId('pol'),
        version: await nextPolicyVersion(tx, wanted.name),
        createdAt: new Date(this.clock.now()),
        createdBy: call.actor.id,
      });
      await tx.em.getRepository(PolicyEntity).insert(policy);
      this.note(tx, call, {
        action: 'policies.create',
        target: `policy:${policy.id}`,
        after: { name: policy.name, version: policy.version, cedar: policy.cedar },
      });
      return policy;
    });
  }

  /** Makes a draft set of these policies, in this order. */
  createSet(
    call: AuthoringCall,
    zone: string,
    wanted: { policies: string[]; tests: object[] },
  ): Promise<PolicySetEntity> {
    return this.change(zone, async (tx) => {
      const found = await readPolicies(tx, wanted.policies);
      if (found.length !== new Set(wanted.policies).size) {
        throw invalidMember('policies', 'must be ids of policies of this zone, each named once');
      }
      const set = tx.em.getRepository(PolicySetEntity).create({
        ...wanted,
        zone,
        version: await nextSetVersion(tx),
        status: 'draft',
        previous: null,
        createdAt: new Date(this.clock.now()),
        createdBy: call.actor.id,
        activatedAt: null,
        activatedBy: null,
      });
      await tx.em.getRepository(PolicySetEntity).insert(set);
      this.note(tx, call, {
        action: 'policy_sets.create',
        target: `policy_set:${set.version}`,
        after: { policies: set.policies },
      });
      return set;
    });
  }

  /** Makes a set the zone's one active set, on every replica before it decides again. Repeating it changes nothing. */
  activate(call: AuthoringCall, zone: string, version: number): Promise<PolicySetEntity> {
    return this.change(zone, async (tx) => {
      const set = await this.set(tx, version);
      if (set.status === 'active') return set;
      for (const policy of await readPolicies(tx, set.policies))
        refuseFaults(await this.faultsOf(tx, policy.cedar), policy.id);
      await this.requireTests(tx, set);
      const before = await this.activeSet(tx);
      return this.replace(tx, call, { before, after: set, type: 'activate', reason: undefined });
    });
  }

  /** Returns from the active set `version` to the one that was active before it; `conflict` when there is none or another is active. */
  rollback(call: AuthoringCall, zone: string, target: { version: number; reason: string }): Promise<PolicySetEntity> {
    return this.change(zone, async (tx) => {
      const active = await this.set(tx, target.version);
      if (active.status !== 'active') throw new AppError('conflict', 'This policy set is not the active one.');
      if (active.previous === null) throw new AppError('conflict', 'No policy set was active before this one.');
      return this.replace(tx, call, {
        before: active,
        after: await this.set(tx, active.previous),
        type: 'rollback',
        reason: target.reason,
      });
    });
  }

  /** The active set with its texts; undefined when none was ever activated. */
  async active(
    zone: string,
  ): Promise<{ version: number; policies: readonly PolicyEntity[]; tests: readonly object[] } | undefined> {
    return this.database.readZone(zone, async (tx) => {
      const set = await this.activeSet(tx);
      if (!set) return undefined;
      return { version: set.version, policies: await readPolicies(tx, set.policies), tests: set.tests };
    });
  }

  /** The faults a text has against the zone's schema now. */
  validate(zone: string, cedar: string): Promise<PolicyFault[]> {
    return this.database.readZone(zone, (tx) => this.faultsOf(tx, cedar));
  }

  private async replace(
    tx: ChangeTx,
    call: AuthoringCall,
    {
      before,
      after,
      type,
      reason,
    }: {
      before: PolicySetEntity | null;
      after: PolicySetEntity;
      type: 'activate' | 'rollback';
      reason: string | undefined;
    },
  ): Promise<PolicySetEntity> {
    const sets = tx.em.getRepository(PolicySetEntity);
    if (before) await sets.update({ zone: tx.zone, version: before.version }, { status: 'superseded' });
    const previous = type === 'activate' ? (before?.version ?? null) : after.previous;
    await sets.update(
      { zone: tx.zone, version: after.version },
      { status: 'active', previous, activatedAt: new Date(this.clock.now()), activatedBy: call.actor.id },
    );
    tx.changed('policy', String(after.version));
    const detail = {
      version: after.version,
      ...(before ? { replaced: before.version } : {}),
      ...(reason === undefined ? {} : { reason }),
    };
    this.note(tx, call, { action: `policy_sets.${type}`, target: `policy_set:${after.version}`, detail });
    tx.record({
      type: 'policy.activated',
      occurredAt: this.clock.now(),
      requestId: call.origin.requestId,
      actor: administratorActor(call.actor),
      detail,
    });
    return this.set(tx, after.version);
  }

  /** The cases kept with a set hold, or it is not activated. Throws `conflict` that names those that do not. */
  private async requireTests(tx: ZoneTx, set: PolicySetEntity): Promise<void> {
    if (set.tests.length === 0) return;
    const names = new Set(set.tests.map(testedResource));
    const targets = await Promise.all(
      [...names].map(async (name) => [name, (await this.authority.target(tx.zone, name))?.id ?? name] as const),
    );
    const ids = new Map(targets);
    const draft = { version: set.version, sources: await readPolicies(tx, set.policies) };
    const errors = await withDraft(draft, (policies) =>
      failingTests(set.tests, policies, (name) => ids.get(name) ?? name),
    );
    if (errors.length > 0) throw new AppError('conflict', 'Tests of the policy set do not hold.', { errors });
  }

  private async set(tx: ZoneTx, version: number): Promise<PolicySetEntity> {
    const set = await tx.em.getRepository(PolicySetEntity).findOneBy({ zone: tx.zone, version });
    if (!set) throw new AppError('not_found', 'There is no such policy set.');
    return set;
  }

  private activeSet(tx: ZoneTx): Promise<PolicySetEntity | null> {
    return tx.em.getRepository(PolicySetEntity).findOneBy({ zone: tx.zone, status: 'active' });
  }

  private async faultsOf(tx: ZoneTx, cedar: string): Promise<PolicyFault[]> {
    return validateText(cedar, await readSchema(tx));
  }

  /** One authoring change of a zone at a time; none under an archived zone. */
  private change<T>(zone: string, work: (tx: ChangeTx) => Promise<T>): Promise<T> {
    return this.changes.run(zone, async (tx) => {
      const [row] = await tx.query<{ status: string }>('SELECT status FROM zones WHERE slug = $1 FOR NO KEY UPDATE', [
        zone,
      ]);
      if (!row) throw new AppError('not_found', 'There is no such zone.');
      if (row.status === 'archived') throw new AppError('conflict', 'The zone is archived and takes no changes.');
      return work(tx);
    });
  }

  private note(
    tx: ChangeTx,
    call: AuthoringCall,
    act: { action: string; target: string; after?: JsonObject; detail?: JsonObject },
  ): void {
    tx.record(adminEntry(call.actor, call.origin, { ...act, occurredAt: this.clock.now() }));
  }
}
