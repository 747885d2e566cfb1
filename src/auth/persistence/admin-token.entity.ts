import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Capability } from '../../platform/http/index.js';

@Entity({ name: 'admin_tokens', schema: 'caracal' })
export class AdminTokenEntity {
  @PrimaryColumn({ name: 'id', type: 'text' })
  id!: string;

  @Column({ name: 'name', type: 'text' })
  name!: string;

  @Column({ name: 'secret_mac', type: 'bytea' })
  secretMac!: Buffer;

  @Column({ name: 'capabilities', type: 'text', array: true })
  capabilities!: Capability[];

  /** Null for a global token. */
  @Column({ name: 'zones', type: 'text', array: true, nullable: true })
  zones!: string[] | null;

  /** Who holds it, as whoever made it said. */
  @Column({ name: 'person', type: 'text', nullable: true })
  person!: string | null;

  /** The first token of its line of rotations; null for the first one. */
  @Column({ name: 'line', type: 'text', nullable: true })
  line!: string | null;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  /** The id of the token that created this one. */
  @Column({ name: 'created_by', type: 'text', nullable: true })
  createdBy!: string | null;

  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt!: Date;

  @Column({ name: 'revoked_at', type: 'timestamptz', nullable: true })
  revokedAt!: Date | null;

  @Column({ name: 'last_used_at', type: 'timestamptz', nullable: true })
  lastUsedAt!: Date | null;
}
