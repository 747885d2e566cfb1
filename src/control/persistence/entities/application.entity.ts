import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { JsonObject } from '../../../kernel/json.js';
import type { SessionLimits } from '../../domain/session-limits.js';

@Entity({ name: 'applications', schema: 'caracal' })
export class ApplicationEntity {
  @PrimaryColumn({ type: 'text' })
  zone!: string;

  @PrimaryColumn({ type: 'text' })
  id!: string;

  @Column({ type: 'text' })
  slug!: string;

  @Column({ type: 'text' })
  name!: string;

  @Column({ type: 'text' })
  status!: 'active' | 'revoked' | 'archived';

  @Column({ type: 'integer' })
  epoch!: number;

  @Column({ name: 'allowed_labels', type: 'text', array: true })
  allowedLabels!: string[];

  @Column({ type: 'jsonb' })
  limits!: Partial<SessionLimits>;

  @Column({ type: 'jsonb' })
  settings!: JsonObject;

  @Column({ name: 'expires_at', type: 'timestamptz', nullable: true })
  expiresAt!: Date | null;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt!: Date;

  @Column({ name: 'archived_at', type: 'timestamptz', nullable: true })
  archivedAt!: Date | null;

  @Column({ type: 'integer' })
  version!: number;
}
