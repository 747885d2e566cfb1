import { Column, Entity, PrimaryColumn } from 'typeorm';

/** An access token of an upstream, and who is renewing it. */
@Entity({ name: 'upstream_tokens', schema: 'caracal' })
export class UpstreamTokenEntity {
  @PrimaryColumn({ type: 'text' })
  zone!: string;

  @PrimaryColumn({ type: 'text' })
  provider!: string;

  @PrimaryColumn({ type: 'text' })
  subject!: string;

  @PrimaryColumn({ type: 'text' })
  scopes!: string;

  @Column({ type: 'text' })
  basis!: string;

  @Column({ type: 'text', nullable: true })
  connection!: string | null;

  @Column({ name: 'access_sealed', type: 'bytea', nullable: true })
  accessSealed!: Buffer | null;

  /** Counts the tokens of this row; whoever writes compares it first. */
  @Column({ type: 'integer' })
  generation!: number;

  @Column({ name: 'obtained_at', type: 'timestamptz', nullable: true })
  obtainedAt!: Date | null;

  @Column({ name: 'expires_at', type: 'timestamptz', nullable: true })
  expiresAt!: Date | null;

  @Column({ name: 'lease_holder', type: 'text', nullable: true })
  leaseHolder!: string | null;

  @Column({ name: 'lease_until', type: 'timestamptz', nullable: true })
  leaseUntil!: Date | null;

  @Column({ type: 'integer' })
  failures!: number;

  @Column({ type: 'text', nullable: true })
  fault!: string | null;

  @Column({ name: 'retry_at', type: 'timestamptz', nullable: true })
  retryAt!: Date | null;

  @Column({ name: 'touched_at', type: 'timestamptz' })
  touchedAt!: Date;
}
