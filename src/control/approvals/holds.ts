import { AppError } from '../../kernel/app-error.js';
import type { Clock } from '../../kernel/clock.js';
import type { AuditedChanges, ChangeTx } from '../../audit/index.js';
import type { Database } from '../../platform/database/index.js';
import { newId } from '../../platform/ids/index.js';
import type { ApprovalRule } from '../../policy/index.js';
import type { JsonObject } from '../../kernel/json.js';
import type { ZoneView } from '../catalogue/views.js';
import { approverNeed } from '../domain/approvals/approver-class.js';
import type { Approval, ApprovalOrigin, HeldWork } from '../domain/approvals/approval.js';
import { bindingOf } from '../domain/approvals/binding.js';
import { expiredEntry, type NewsCause, requestedEntry } from '../domain/approvals/entries.js';
import { holdSeconds } from '../domain/approvals/hold-life.js';
import { type ApprovalPrivacy, strictestPrivacy } from '../domain/approvals/privacy-mode.js';
import { statusAt } from '../domain/approvals/transitions.js';
import { tightestLimits } from '../domain/session-limits.js';
import {
  countHolds,
  insertApproval,
  latestOf,
  lockHolds,
  saveDecision,
} from '../persistence/approvals/approval-rows.js';
import type { ApprovalView } from './approval-view.js';

/** A decision that people must make, as whoever decides about the request found it. */
export interface NewHold {
  readonly work: HeldWork;
  readonly origin: ApprovalOrigin;
  /** Every rule that stands in the way, as the decision named them. */
  readonly required: readonly ApprovalRule[];
  readonly determining: readonly string[];
  /** The roots of the trees of sessions that the request came through. */
  readonly sides: readonly string[];
  readonly txn?: string | undefined;
  readonly message?: string | undefined;
  /** What is needed to go on when the requester only polls. */
  readonly request?: JsonObject | undefined;
  /** The people who answer for these sessions. */
  readonly raisers: readonly string[];
  /** Asked for by a client for a person elsewhere: short-lived. */
  readonly outOfBand?: { readonly requested?: number | undefined } | undefined;
  readonly cause: NewsCause;
}

interface Parts {
  readonly database: Database;
  readonly changes: AuditedChanges;
  readonly view: ApprovalView;
  readonly clock: Clock;
}

/** Raises holds, one per exact binding, and finds them again. */
export class Holds {
  constructor(private readonly parts: Parts) {}

  /**
   * The live hold of this work: the one that is there, else a new one. Throws `limit_exceeded` when the requester or the zone has too many that
   * wait or were denied: nobody is asked again and again.
   */
  async raise(zone: ZoneView, hold: NewHold): Promise<Approval> {
    const binding = bindingOf(hold.work);
    const { at: now } = hold.cause;
    const known = await this.latest(hold.work);
    if (known && isLive(known, now)) return known;
    return this.parts.changes.run(zone.slug, async (tx) => {
      await lockHolds(tx);
      const latest = await latestOf(tx, binding);
      if (latest && isLive(latest, now)) return latest;
      if (latest) await settle(tx, latest, now);
      await requireRoom(tx, zone, hold);
      const approval = newApproval(zone, hold, binding);
      await insertApproval(tx, approval);
      tx.changed('approval', approval.id);
      tx.record(requestedEntry(approval, hold.cause));
      return approval;
    });
  }

  /** The approval with the status that holds now; undefined when there is none. */
  async get(zone: string, id: string): Promise<Approval | undefined> {
    return this.asItStands(await this.parts.view.get(zone, id));
  }

  /** The approval when it is about exactly this work, with the status that holds now. */
  async about(work: HeldWork, id: string): Promise<Approval | undefined> {
    const approval = await this.get(work.zone, id);
    return approval?.binding === bindingOf(work) ? approval : undefined;
  }

  /** The latest hold of this work, whatever became of it, with the status that holds now; always read. */
  async latest(work: HeldWork): Promise<Approval | undefined> {
    const binding = bindingOf(work);
    return this.asItStands(await this.parts.database.readZone(work.zone, (tx) => latestOf(tx, binding)));
  }

  private asItStands(approval: Approval | undefined): Approval | undefined {
    return approval && { ...approval, status: statusAt(approval, this.parts.clock.now()) };
  }
}

function isLive(approval: Approval, now: number): boolean {
  const status = statusAt(approval, now);
  return status === 'pending' || status === 'approved';
}

/** A hold whose time is over makes room for the next one of the same binding, also before maintenance comes by. */
async function settle(tx: ChangeTx, approval: Approval, now: number): Promise<void> {
  if (approval.status !== 'pending' && approval.status !== 'approved') return;
  await saveDecision(tx, { ...approval, status: 'expired' });
  tx.changed('approval', approval.id);
  tx.record(expiredEntry(approval, { actor: { kind: 'system' }, at: now }));
}

async function requireRoom(tx: ChangeTx, zone: ZoneView, { work, cause }: NewHold): Promise<void> {
  const { application, session } = work;
  const limits = tightestLimits(zone.settings.limits, zone.application(application)?.limits ?? {});
  const counts = await countHolds(tx, { application, session, now: cause.at });
  if (counts.requester >= limits.holds_per_session) throw tooMany('holds_per_session');
  if (counts.zone >= limits.holds_per_zone) throw tooMany('holds_per_zone');
}

function tooMany(limit: 'holds_per_session' | 'holds_per_zone'): AppError {
  return new AppError('limit_exceeded', 'Too many requests wait for a person already.', {
    members: { limit },
    detail: limit,
    retryAfter: 60,
  });
}

/** The zone's mode, or that of any resource that is stricter. */
function privacyOf(zone: ZoneView, { resources }: HeldWork): ApprovalPrivacy {
  const declared = resources.map(({ id }) => zone.resource(id)?.approvalPrivacy);
  return strictestPrivacy([zone.settings.approval_privacy, ...declared]);
}

function newApproval(zone: ZoneView, hold: NewHold, binding: string): Approval {
  const { work, origin, required, determining, sides, raisers, txn, message, request, outOfBand, cause } = hold;
  const need = approverNeed(required);
  const setting = zone.settings.hold_ttl_seconds;
  const seconds = holdSeconds({ approverClass: need.approverClass, setting, outOfBand });
  return {
    ...work,
    ...need,
    id: newId('apr'),
    binding,
    origin,
    status: 'pending',
    requirements: required,
    decisions: [],
    sides: [...new Set(sides)].sort(),
    txn,
    determining,
    message,
    request,
    raisers: [...new Set(raisers)].sort(),
    privacy: privacyOf(zone, work),
    createdAt: cause.at,
    expiresAt: cause.at + seconds * 1_000,
  };
}
