import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { RevocationKind } from '../domain/revocation.js';

@Entity({ name: 'revocations', schema: 'caracal' })
export class RevocationEntity {
  @PrimaryColumn({ type: 'text' })
  zone!: string;

  @PrimaryColumn({ type: 'text' })
  kind!: RevocationKind;

  @PrimaryColumn({ type: 'text' })
  anchor!: string;

  @Column({ type: 'text' })
  reason!: string;

  @Column({ type: 'text' })
  actor!: string;

  @Column({ type: 'timestamptz' })
  at!: Date;

  @Column({ type: 'integer', nullable: true })
  epoch!: number | null;

  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt!: Date;
}
