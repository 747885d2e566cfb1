import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { JsonObject } from '../../kernel/json.js';

/** As stored: scopes are sorted lists. */
export interface StoredResource {
  readonly resource: string;
  readonly scopes: readonly string[];
}

@Entity({ name: 'delegations', schema: 'caracal' })
export class DelegationEntity {
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

  @Column({ type: 'text', nullable: true })
  parent!: string | null;

  @Column({ type: 'text', array: true })
  path!: string[];

  @Column({ type: 'jsonb' })
  resources!: readonly StoredResource[];

  @Column({ type: 'jsonb' })
  constraints!: JsonObject;

  @Column({ name: 'hops_remaining', type: 'integer' })
  hopsRemaining!: number;

  @Column({ type: 'text' })
  status!: 'active' | 'revoked' | 'expired';

  @Column({ type: 'boolean' })
  spawned!: boolean;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt!: Date;

  @Column({ name: 'ended_at', type: 'timestamptz', nullable: true })
  endedAt!: Date | null;

  @Column({ name: 'end_reason', type: 'text', nullable: true })
  endReason!: string | null;
}
