import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { JsonObject } from '../../../kernel/json.js';

@Entity({ name: 'providers', schema: 'caracal' })
export class ProviderEntity {
  @PrimaryColumn({ type: 'text' })
  zone!: string;

  @PrimaryColumn({ type: 'text' })
  id!: string;

  @Column({ type: 'text' })
  name!: string;

  @Column({ type: 'text' })
  kind!: string;

  @Column({ type: 'jsonb' })
  config!: JsonObject;

  @Column({ name: 'secret_sealed', type: 'bytea', nullable: true })
  secretSealed!: Buffer | null;

  @Column({ name: 'secret_version', type: 'integer' })
  secretVersion!: number;

  @Column({ name: 'bound_origin', type: 'text', nullable: true })
  boundOrigin!: string | null;

  @Column({ type: 'text' })
  status!: 'active' | 'archived';

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt!: Date;

  @Column({ name: 'archived_at', type: 'timestamptz', nullable: true })
  archivedAt!: Date | null;

  @Column({ type: 'integer' })
  version!: number;
}
