import type { Database } from '../platform/database/index.js';
import type { EgressGuard } from '../platform/egress/index.js';
import type { Precondition } from '../platform/http/index.js';
import { newId } from '../platform/ids/index.js';
import type { AdminCall, AdminChanges, AdminTx } from './admin-changes.js';
import { refuseArchived } from './domain/changes.js';
import { invalidRequest } from './domain/faults.js';
import {
  DEFAULT_ID_TOKEN_ALGORITHMS,
  DEFAULT_SUBJECT_CLAIM,
  subjectIssuerBody,
  subjectIssuerFaults,
} from './domain/subject-issuer.js';
import { SubjectIssuerEntity } from './persistence/entities/subject-issuer.entity.js';
import { getObject, listObjects, statusFilter, type Slice } from './persistence/lists.js';
import { lockObject } from './persistence/locks.js';
import { insertRow, updateRow } from './persistence/writes.js';

export interface NewSubjectIssuer {
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms?: readonly string[] | undefined;
  readonly subjectClaim?: string | undefined;
}

export interface SubjectIssuerPatch {
  readonly audience?: string | undefined;
  readonly algorithms?: readonly string[] | undefined;
}

/** OpenID providers that a zone trusts to say who a user is. */
export class SubjectIssuers {
  constructor(
    private readonly database: Database,
    private readonly changes: AdminChanges,
    private readonly egress: EgressGuard,
  ) {}

  /** The same, its changes made by `changes`: as parts of a larger transaction. */
  within(changes: AdminChanges): SubjectIssuers {
    return new SubjectIssuers(this.database, changes, this.egress);
  }

  /** Throws `egress_denied` for an issuer that the server may not ask, `conflict` for one that the zone has. */
  async create(call: AdminCall, zone: string, input: NewSubjectIssuer): Promise<SubjectIssuerEntity> {
    await this.vet(input);
    return this.changes.run(call, zone, (tx) => this.make(tx, input));
  }

  /** Refuses an issuer that is unsound or that the server may not ask; asks the network, so it stands before the transaction. */
  async vet(input: NewSubjectIssuer): Promise<void> {
    refuseFaulty({ ...input, ...chosenOf(input) });
    await this.egress.checkRegistration(input.issuer);
  }

  /** Makes an issuer in the transaction of a larger change; `input` passed {@link vet}. */
  async make(tx: AdminTx, input: NewSubjectIssuer): Promise<SubjectIssuerEntity> {
    const at = new Date(tx.now);
    const row: SubjectIssuerEntity = {
      zone: tx.zone,
      id: newId('sis'),
      issuer: input.issuer,
      audience: input.audience,
      ...chosenOf(input),
      status: 'active',
      createdAt: at,
      updatedAt: at,
      archivedAt: null,
      version: 1,
    };
    await insertRow(tx, SubjectIssuerEntity, row);
    tx.changed('subject_issuer', row.id);
    tx.note({ action: 'subject_issuers.create', target: `subject_issuer:${row.id}`, after: subjectIssuerBody(row) });
    return row;
  }

  get(zone: string, id: string): Promise<SubjectIssuerEntity> {
    return getObject(this.database, SubjectIssuerEntity, zone, id);
  }

  list(zone: string, slice: Slice, status: string | undefined): Promise<SubjectIssuerEntity[]> {
    return listObjects(this.database, SubjectIssuerEntity, zone, { slice, where: statusFilter(status) });
  }

  patch(
    call: AdminCall,
    zone: string,
    id: string,
    change: { condition: Precondition; patch: SubjectIssuerPatch },
  ): Promise<SubjectIssuerEntity> {
    return this.changes.run(call, zone, async (tx) => {
      const before = await lockForChange(tx, id, change.condition);
      const { audience = before.audience, algorithms = before.algorithms } = change.patch;
      const after: SubjectIssuerEntity = {
        ...before,
        audience,
        algorithms: [...algorithms],
        updatedAt: new Date(tx.now),
        version: before.version + 1,
      };
      refuseFaulty(after);
      await save(tx, 'subject_issuers.update', before, after);
      return after;
    });
  }

  /** Archives the issuer for good: it proves nobody any more. Sessions that were opened with it live to their end unless their subjects are revoked. */
  archive(call: AdminCall, zone: string, id: string, condition: Precondition): Promise<void> {
    return this.changes.run(call, zone, async (tx) => {
      const before = await lockForChange(tx, id, condition);
      const at = new Date(tx.now);
      await save(tx, 'subject_issuers.archive', before, {
        ...before,
        status: 'archived',
        archivedAt: at,
        updatedAt: at,
        version: before.version + 1,
      });
    });
  }
}

function chosenOf({ algorithms, subjectClaim }: NewSubjectIssuer): { algorithms: string[]; subjectClaim: string } {
  return {
    algorithms: [...(algorithms ?? DEFAULT_ID_TOKEN_ALGORITHMS)],
    subjectClaim: subjectClaim ?? DEFAULT_SUBJECT_CLAIM,
  };
}

async function save(
  tx: AdminTx,
  action: string,
  before: SubjectIssuerEntity,
  after: SubjectIssuerEntity,
): Promise<void> {
  await updateRow(tx, SubjectIssuerEntity, after.id, after);
  tx.changed('subject_issuer', after.id);
  tx.note({
    action,
    target: `subject_issuer:${after.id}`,
    before: subjectIssuerBody(before),
    after: subjectIssuerBody(after),
  });
}

async function lockForChange(tx: AdminTx, id: string, condition: Precondition): Promise<SubjectIssuerEntity> {
  const row = await lockObject(tx, SubjectIssuerEntity, id);
  condition.assert(row.version);
  refuseArchived(row);
  return row;
}

function refuseFaulty(draft: Parameters<typeof subjectIssuerFaults>[0]): void {
  const faults = subjectIssuerFaults(draft);
  if (faults.length > 0) throw invalidRequest(faults);
}
