import { Column, Entity, PrimaryColumn } from 'typeorm';

export type PolicySetStatus = 'draft' | 'active' | 'superseded';

/** One version of a zone's policies; what it holds never changes, only which of them is active. */
@Entity({ name: 'policy_sets', schema: 'caracal' })
export class PolicySetEntity {
  @PrimaryColumn({ type: 'text' })
  zone!: string;

  @PrimaryColumn({ type: 'integer' })
  version!: number;

  @Column({ type: 'text' })
  status!: PolicySetStatus;

  @Column({ type: 'text', array: true })
  policies!: string[];

  @Column({ type: 'jsonb' })
  tests!: object[];

  /** The version that was active when this one was activated; where a rollback returns to. */
  @Column({ type: 'integer', nullable: true })
  previous!: number | null;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'created_by', type: 'text' })
  createdBy!: string;

  @Column({ name: 'activated_at', type: 'timestamptz', nullable: true })
  activatedAt!: Date | null;

  @Column({ name: 'activated_by', type: 'text', nullable: true })
  activatedBy!: string | null;
}
