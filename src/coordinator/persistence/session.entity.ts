import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { JsonObject } from '../../kernel/json.js';
import type { Epochs, Lifecycle, SessionAuthority, SessionRecord, SessionStatus } from '../domain/sessions/session.js';

@Entity({ name: 'sessions', schema: 'caracal' })
export class SessionEntity {
  @PrimaryColumn({ type: 'text' })
  zone!: string;

  @PrimaryColumn({ type: 'text' })
  id!: string;

  @Column({ type: 'text' })
  application!: string;

  @Column({ type: 'text', nullable: true })
  credential!: string | null;

  @Column({ type: 'text', nullable: true })
  parent!: string | null;

  @Column({ type: 'text' })
  root!: string;

  /** Ids from the root to this session, joined by `/`: a subtree is a range of paths. */
  @Column({ type: 'text' })
  path!: string;

  @Column({ type: 'integer' })
  depth!: number;

  @Column({ type: 'text' })
  lifecycle!: Lifecycle;

  @Column({ type: 'text' })
  status!: SessionStatus;

  @Column({ type: 'text', array: true })
  labels!: string[];

  @Column({ type: 'jsonb' })
  metadata!: JsonObject;

  @Column({ type: 'text' })
  subject!: string;

  @Column({ name: 'subject_type', type: 'text' })
  subjectType!: 'application' | 'user';

  @Column({ type: 'text', nullable: true })
  sponsor!: string | null;

  @Column({ type: 'text' })
  authority!: SessionAuthority;

  @Column({ type: 'text', nullable: true })
  delegation!: string | null;

  @Column({ type: 'jsonb' })
  epochs!: Epochs;

  @Column({ name: 'call_budgets', type: 'jsonb', nullable: true })
  callBudgets!: SessionRecord['callBudgets'] | null;

  @Column({ type: 'jsonb', nullable: true })
  cnf!: JsonObject | null;

  @Column({ type: 'text' })
  txn!: string;

  @Column({ type: 'integer' })
  generation!: number;

  @Column({ name: 'lease_seconds', type: 'integer', nullable: true })
  leaseSeconds!: number | null;

  @Column({ name: 'lease_expires_at', type: 'timestamptz', nullable: true })
  leaseExpiresAt!: Date | null;

  @Column({ name: 'started_at', type: 'timestamptz' })
  startedAt!: Date;

  @Column({ name: 'expires_at', type: 'timestamptz', nullable: true })
  expiresAt!: Date | null;

  @Column({ name: 'suspended_at', type: 'timestamptz', nullable: true })
  suspendedAt!: Date | null;

  @Column({ name: 'suspend_reason', type: 'text', nullable: true })
  suspendReason!: string | null;

  @Column({ type: 'boolean' })
  held!: boolean;

  @Column({ name: 'ended_at', type: 'timestamptz', nullable: true })
  endedAt!: Date | null;

  @Column({ name: 'end_reason', type: 'text', nullable: true })
  endReason!: string | null;
}
