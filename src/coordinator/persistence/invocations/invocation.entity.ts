import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { JsonValue } from '../../../kernel/json.js';
import type { InvocationStatus } from '../../domain/invocations/invocation.js';

@Entity({ name: 'invocations', schema: 'caracal' })
export class InvocationEntity {
  @PrimaryColumn({ type: 'text' })
  zone!: string;

  @PrimaryColumn({ type: 'text' })
  id!: string;

  @Column({ type: 'text' })
  source!: string;

  @Column({ type: 'text' })
  target!: string;

  @Column({ name: 'source_application', type: 'text' })
  sourceApplication!: string;

  @Column({ name: 'target_application', type: 'text' })
  targetApplication!: string;

  @Column({ type: 'text' })
  txn!: string;

  @Column({ type: 'text' })
  status!: InvocationStatus;

  @Column({ type: 'integer' })
  attempts!: number;

  @Column({ name: 'max_attempts', type: 'integer' })
  maxAttempts!: number;

  @Column({ name: 'backoff_seconds', type: 'integer' })
  backoffSeconds!: number;

  @Column({ type: 'integer', nullable: true })
  generation!: number | null;

  @Column({ name: 'deadline_at', type: 'timestamptz' })
  deadlineAt!: Date;

  @Column({ name: 'available_at', type: 'timestamptz' })
  availableAt!: Date;

  @Column({ name: 'input_digest', type: 'text', nullable: true })
  inputDigest!: string | null;

  /** Wrapped, so that a payload of null differs from none. */
  @Column({ type: 'jsonb', nullable: true })
  input!: { readonly value: JsonValue } | null;

  @Column({ name: 'result_digest', type: 'text', nullable: true })
  resultDigest!: string | null;

  @Column({ type: 'jsonb', nullable: true })
  result!: { readonly value: JsonValue } | null;

  @Column({ type: 'text', nullable: true })
  reason!: string | null;

  @Column({ type: 'integer', nullable: true })
  percent!: number | null;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'started_at', type: 'timestamptz', nullable: true })
  startedAt!: Date | null;

  @Column({ name: 'ended_at', type: 'timestamptz', nullable: true })
  endedAt!: Date | null;
}
