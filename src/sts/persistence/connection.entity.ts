import { Column, Entity, PrimaryColumn } from 'typeorm';

export type ConnectionStatus = 'pending' | 'active' | 'broken' | 'revoked';

/** One account at an upstream, connected by the authorization code flow. */
@Entity({ name: 'connections', schema: 'caracal' })
export class ConnectionEntity {
  @PrimaryColumn({ type: 'text' })
  zone!: string;

  @PrimaryColumn({ type: 'text' })
  id!: string;

  @Column({ type: 'text' })
  provider!: string;

  /** `sub` of whose account it is; null when it is everybody's. */
  @Column({ type: 'text', nullable: true })
  subject!: string | null;

  @Column({ type: 'text' })
  status!: ConnectionStatus;

  @Column({ type: 'text', nullable: true })
  reason!: string | null;

  /** What the upstream granted, as it said. */
  @Column({ type: 'text', nullable: true })
  scope!: string | null;

  @Column({ name: 'state_hash', type: 'bytea', nullable: true })
  stateHash!: Buffer | null;

  @Column({ name: 'verifier_sealed', type: 'bytea', nullable: true })
  verifierSealed!: Buffer | null;

  @Column({ name: 'pending_until', type: 'timestamptz', nullable: true })
  pendingUntil!: Date | null;

  @Column({ name: 'refresh_sealed', type: 'bytea', nullable: true })
  refreshSealed!: Buffer | null;

  @Column({ name: 'refresh_version', type: 'integer' })
  refreshVersion!: number;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'created_by', type: 'text' })
  createdBy!: string;

  @Column({ name: 'connected_at', type: 'timestamptz', nullable: true })
  connectedAt!: Date | null;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt!: Date;

  @Column({ name: 'ended_at', type: 'timestamptz', nullable: true })
  endedAt!: Date | null;

  @Column({ name: 'told_at', type: 'timestamptz', nullable: true })
  toldAt!: Date | null;

  @Column({ type: 'integer' })
  version!: number;
}
