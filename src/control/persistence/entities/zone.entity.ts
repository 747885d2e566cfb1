import type { EndedLog } from '../../../audit/index.js';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { StoredZoneSettings } from '../../domain/zone-settings.js';

/** A key that the zone's log was signed with before; members as on the wire. */
export type ZoneLogKey = { readonly vkey: string; readonly handover: string; readonly retired_at: string };

@Entity({ name: 'zones', schema: 'caracal' })
export class ZoneEntity {
  @PrimaryColumn({ type: 'text' })
  slug!: string;

  @Column({ type: 'text' })
  id!: string;

  @Column({ type: 'text' })
  name!: string;

  @Column({ type: 'text' })
  status!: 'active' | 'killed' | 'archived';

  @Column({ type: 'integer' })
  epoch!: number;

  @Column({ type: 'jsonb' })
  settings!: StoredZoneSettings;

  @Column({ name: 'log_origin', type: 'text' })
  logOrigin!: string;

  @Column({ name: 'log_vkey', type: 'text' })
  logVkey!: string;

  @Column({ name: 'log_history', type: 'jsonb' })
  logHistory!: EndedLog[];

  @Column({ name: 'log_retired_keys', type: 'jsonb' })
  logRetiredKeys!: ZoneLogKey[];

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt!: Date;

  @Column({ name: 'archived_at', type: 'timestamptz', nullable: true })
  archivedAt!: Date | null;

  @Column({ type: 'integer' })
  version!: number;
}
