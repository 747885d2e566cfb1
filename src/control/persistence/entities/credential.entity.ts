import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { JsonObject } from '../../../kernel/json.js';
import type { CredentialType } from '../../domain/credentials/credential.js';

@Entity({ name: 'credentials', schema: 'caracal' })
export class CredentialEntity {
  @PrimaryColumn({ type: 'text' })
  zone!: string;

  @PrimaryColumn({ type: 'text' })
  id!: string;

  @Column({ type: 'text' })
  application!: string;

  @Column({ type: 'text' })
  type!: CredentialType;

  @Column({ name: 'secret_mac', type: 'bytea', nullable: true })
  secretMac!: Buffer | null;

  @Column({ type: 'jsonb', nullable: true })
  jwks!: JsonObject | null;

  @Column({ type: 'jsonb' })
  details!: JsonObject;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'expires_at', type: 'timestamptz', nullable: true })
  expiresAt!: Date | null;

  @Column({ name: 'revoked_at', type: 'timestamptz', nullable: true })
  revokedAt!: Date | null;
}
