import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One immutable policy text. */
@Entity({ name: 'policies', schema: 'caracal' })
export class PolicyEntity {
  @PrimaryColumn({ type: 'text' })
  zone!: string;

  @PrimaryColumn({ type: 'text' })
  id!: string;

  @Column({ type: 'text' })
  name!: string;

  /** Counts the texts of one name. */
  @Column({ type: 'integer' })
  version!: number;

  @Column({ type: 'text' })
  cedar!: string;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'created_by', type: 'text' })
  createdBy!: string;
}
