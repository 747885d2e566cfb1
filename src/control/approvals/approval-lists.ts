import { AppError } from '../../kernel/app-error.js';
import type { Clock } from '../../kernel/clock.js';
import type { Database } from '../../platform/database/index.js';
import type { Page } from '../../platform/http/index.js';
import type { Approval } from '../domain/approvals/approval.js';
import { isObjectId } from '../domain/object-id.js';
import {
  type ApprovalFilter,
  findApproval,
  findApprovals,
  listApprovals,
} from '../persistence/approvals/approval-rows.js';

/** Holds for those who look at them, straight from the rows. */
export class ApprovalLists {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  get now(): number {
    return this.clock.now();
  }

  /** Throws `not_found`. */
  async get(zone: string, id: string): Promise<Approval> {
    const approval = isObjectId(id) && (await this.database.readZone(zone, (tx) => findApproval(tx, id)));
    if (!approval) throw new AppError('not_found', 'There is no such approval.');
    return approval;
  }

  /** Those of these ids that are there, by id. */
  several(zone: string, ids: readonly string[]): Promise<ReadonlyMap<string, Approval>> {
    return this.database.readZone(zone, (tx) => findApprovals(tx, ids));
  }

  /** One more than the page's limit when there are more. */
  list(zone: string, filter: ApprovalFilter, page: Page): Promise<Approval[]> {
    return this.database.readZone(zone, (tx) => listApprovals(tx, filter, { ...page, now: this.now }));
  }
}
