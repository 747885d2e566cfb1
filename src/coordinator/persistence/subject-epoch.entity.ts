import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A subject that was revoked at least once; every other subject is at epoch 0. */
@Entity({ name: 'subject_epochs', schema: 'caracal' })
export class SubjectEpochEntity {
  @PrimaryColumn({ type: 'text' })
  zone!: string;

  @PrimaryColumn({ type: 'text' })
  subject!: string;

  @Column({ type: 'integer' })
  epoch!: number;

  @Column({ name: 'revoked_at', type: 'timestamptz', nullable: true })
  revokedAt!: Date | null;
}
