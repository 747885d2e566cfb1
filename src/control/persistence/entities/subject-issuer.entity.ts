import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity({ name: 'subject_issuers', schema: 'caracal' })
export class SubjectIssuerEntity {
  @PrimaryColumn({ type: 'text' })
  zone!: string;

  @PrimaryColumn({ type: 'text' })
  id!: string;

  @Column({ type: 'text' })
  issuer!: string;

  @Column({ type: 'text' })
  audience!: string;

  @Column({ type: 'text', array: true })
  algorithms!: string[];

  @Column({ name: 'subject_claim', type: 'text' })
  subjectClaim!: string;

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
