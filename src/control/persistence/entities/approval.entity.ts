import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { JsonObject } from '../../../kernel/json.js';
import type { ApprovalPrivacy } from '../../domain/approvals/privacy-mode.js';
import type { ApprovalRule, ApproverClass } from '../../../policy/index.js';
import type {
  ApprovalDecision,
  ApprovalOrigin,
  ApprovalStatus,
  HeldResource,
} from '../../domain/approvals/approval.js';

@Entity({ name: 'approvals', schema: 'caracal' })
export class ApprovalEntity {
  @PrimaryColumn({ type: 'text' })
  zone!: string;

  @PrimaryColumn({ type: 'text' })
  id!: string;

  @Column({ type: 'text' })
  binding!: string;

  @Column({ type: 'text' })
  origin!: ApprovalOrigin;

  @Column({ type: 'text' })
  status!: ApprovalStatus;

  @Column({ name: 'approver_class', type: 'text' })
  approverClass!: ApproverClass;

  @Column({ type: 'integer' })
  quorum!: number;

  @Column({ type: 'jsonb' })
  requirements!: readonly ApprovalRule[];

  @Column({ type: 'jsonb' })
  decisions!: readonly ApprovalDecision[];

  @Column({ type: 'text' })
  application!: string;

  @Column({ type: 'text', nullable: true })
  session!: string | null;

  @Column({ type: 'text', array: true })
  sides!: readonly string[];

  @Column({ type: 'text' })
  subject!: string;

  @Column({ type: 'text', nullable: true })
  delegation!: string | null;

  @Column({ type: 'text', nullable: true })
  txn!: string | null;

  @Column({ type: 'jsonb' })
  resources!: readonly HeldResource[];

  @Column({ type: 'text', array: true })
  scopes!: readonly string[];

  @Column({ name: 'authorization_details', type: 'jsonb', nullable: true })
  authorizationDetails!: readonly JsonObject[] | null;

  @Column({ type: 'jsonb', nullable: true })
  operation!: JsonObject | null;

  @Column({ name: 'policy_version', type: 'integer' })
  policyVersion!: number;

  @Column({ type: 'text', array: true })
  determining!: readonly string[];

  @Column({ type: 'text', nullable: true })
  message!: string | null;

  @Column({ type: 'jsonb', nullable: true })
  request!: JsonObject | null;

  /** Superseded by `raisers`, never written. */
  @Column({ name: 'raised_by', type: 'text', nullable: true })
  raisedBy!: string | null;

  @Column({ type: 'text', array: true })
  raisers!: readonly string[];

  @Column({ type: 'text' })
  privacy!: ApprovalPrivacy;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt!: Date;

  @Column({ name: 'decided_at', type: 'timestamptz', nullable: true })
  decidedAt!: Date | null;

  @Column({ name: 'consumed_at', type: 'timestamptz', nullable: true })
  consumedAt!: Date | null;

  @Column({ type: 'text', nullable: true })
  approver!: string | null;

  @Column({ type: 'text', nullable: true })
  reason!: string | null;

  @Column({ name: 'token_sealed', type: 'bytea', nullable: true })
  tokenSealed!: Buffer | null;

  @Column({ name: 'token_until', type: 'timestamptz', nullable: true })
  tokenUntil!: Date | null;
}
