import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { EgressGrants } from '../../../platform/egress/index.js';
import type { DetailType } from '../../domain/resources/detail-types.js';
import type {
  DeclaredScope,
  ResourceLimits,
  ResourceOperation,
  ResourceOptions,
} from '../../domain/resources/resource.js';

@Entity({ name: 'resources', schema: 'caracal' })
export class ResourceEntity {
  @PrimaryColumn({ type: 'text' })
  zone!: string;

  @PrimaryColumn({ type: 'text' })
  id!: string;

  @Column({ type: 'text' })
  slug!: string;

  @Column({ type: 'text' })
  identifier!: string;

  @Column({ type: 'text' })
  name!: string;

  @Column({ name: 'upstream_url', type: 'text', nullable: true })
  upstreamUrl!: string | null;

  @Column({ type: 'text' })
  enforcement!: 'gateway' | 'direct';

  @Column({ type: 'jsonb' })
  scopes!: readonly DeclaredScope[];

  @Column({ type: 'jsonb' })
  operations!: readonly ResourceOperation[];

  @Column({ name: 'authorization_details_types', type: 'jsonb' })
  authorizationDetailsTypes!: readonly DetailType[];

  @Column({ type: 'text', nullable: true })
  provider!: string | null;

  @Column({ type: 'jsonb' })
  egress!: EgressGrants;

  @Column({ type: 'jsonb' })
  limits!: ResourceLimits;

  @Column({ type: 'jsonb' })
  options!: ResourceOptions;

  @Column({ name: 'server_application', type: 'text', nullable: true })
  serverApplication!: string | null;

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
