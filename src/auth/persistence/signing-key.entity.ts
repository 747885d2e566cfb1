import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { KeyState } from '../domain/key-states.js';
import type { KeyAlgorithm } from '../domain/token-keys.js';

@Entity({ name: 'signing_keys', schema: 'caracal' })
export class SigningKeyEntity {
  @PrimaryColumn({ name: 'zone', type: 'text' })
  zone!: string;

  @PrimaryColumn({ name: 'kid', type: 'text' })
  kid!: string;

  @Column({ name: 'alg', type: 'text' })
  alg!: KeyAlgorithm;

  @Column({ name: 'state', type: 'text' })
  state!: KeyState;

  @Column({ name: 'public_jwk', type: 'jsonb' })
  publicJwk!: Record<string, string>;

  @Column({ name: 'private_sealed', type: 'bytea' })
  privateSealed!: Buffer;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'published_at', type: 'timestamptz' })
  publishedAt!: Date;

  @Column({ name: 'activated_at', type: 'timestamptz', nullable: true })
  activatedAt!: Date | null;

  /** When a rotation that had to wait may go on. */
  @Column({ name: 'activate_after', type: 'timestamptz', nullable: true })
  activateAfter!: Date | null;

  @Column({ name: 'retiring_at', type: 'timestamptz', nullable: true })
  retiringAt!: Date | null;

  @Column({ name: 'ended_at', type: 'timestamptz', nullable: true })
  endedAt!: Date | null;
}
