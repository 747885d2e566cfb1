import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../../kernel/app-error.js';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { adminEntry, administratorActor, type AdminActor, type RequestOrigin } from '../../audit/index.js';
import type { ZoneView } from '../../control/index.js';
import { Database } from '../../platform/database/index.js';
import type { Initiator } from '../domain/initiator.js';
import type { RevocationKind, RevocationRecord } from '../domain/revocation.js';
import { GraphChanges } from '../graph-changes.js';
import { listRevocations } from '../persistence/revocation-rows.js';
import { RuntimeState } from '../state/runtime-state.js';
import { AnchorEndings } from './anchor-endings.js';

/** Who administers, and what is known of the request. */
export interface AdminRuntimeCall {
  readonly zone: string;
  readonly admin: AdminActor;
  readonly origin: RequestOrigin;
}

export interface RevocationOrder {
  readonly kind: RevocationKind;
  readonly id: string;
  readonly reason: string;
  /** `<area>.<action>` of the entry; the API it came by. */
  readonly action: string;
}

export interface Revoked {
  /** False when it had ended before. */
  readonly changed: boolean;
  readonly at: number;
}

/** The kill switches of a zone, as administrators pull them: each is one transaction with its entry, in effect here before it answers. */
@Injectable()
export class RevocationAdministration {
  constructor(
    private readonly database: Database,
    private readonly graph: GraphChanges,
    private readonly runtime: RuntimeState,
    private readonly endings: AnchorEndings,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Throws `not_found` for what the zone does not have, `conflict` when the zone takes no changes. */
  async revoke(call: AdminRuntimeCall, { kind, id, reason, action }: RevocationOrder): Promise<Revoked> {
    const anchors = await this.runtime.anchors(call.zone);
    requireChangeable(anchors.view);
    return this.graph.run(call.zone, 'ending', async (tx) => {
      const now = this.clock.now();
      const changed = await this.endings.end(tx, anchors, { kind, id, reason, by: administrator(call), now });
      const detail = { reason, already: !changed };
      tx.record(adminEntry(call.admin, call.origin, { action, target: `${kind}:${id}`, occurredAt: now, detail }));
      return { changed, at: now };
    });
  }

  /** Anchors that some token could still match, by kind and id. */
  list(
    zone: string,
    kind: RevocationKind | undefined,
    page: { limit: number; after?: readonly [string, string] | undefined },
  ): Promise<RevocationRecord[]> {
    return this.database.readZone(zone, (tx) => listRevocations(tx, kind, page));
  }
}

/** Throws `conflict` for a zone that takes no changes. */
export function requireChangeable({ slug, status }: Pick<ZoneView, 'slug' | 'status'>): void {
  if (status === 'archived') throw new AppError('conflict', 'The zone is archived and takes no changes.');
  if (slug.startsWith('_')) throw new AppError('conflict', 'The system zone can be read, not changed.');
}

export function administrator({ admin, origin }: AdminRuntimeCall): Initiator {
  return { actor: administratorActor(admin), name: `${admin.agent ? 'app' : 'admin'}:${admin.id}`, origin };
}
