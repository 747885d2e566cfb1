import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { RehearsalReport } from '../domain/questions/rehearsal.js';

export type RehearsalStatus = 'running' | 'done' | 'failed';

/** A rehearsal that is too long for an answer: what was asked, how far it is, what came out. */
@Entity({ name: 'rehearsals', schema: 'caracal' })
export class RehearsalEntity {
  @PrimaryColumn({ type: 'text' })
  zone!: string;

  @PrimaryColumn({ type: 'text' })
  id!: string;

  @Column({ type: 'text' })
  status!: RehearsalStatus;

  /** The draft; null when a version is rehearsed. */
  @Column({ type: 'text', nullable: true })
  cedar!: string | null;

  @Column({ type: 'integer', nullable: true })
  version!: number | null;

  @Column({ name: 'first_index', type: 'integer' })
  firstIndex!: number;

  @Column({ name: 'end_index', type: 'integer' })
  endIndex!: number;

  /** The index it has come to. */
  @Column({ name: 'at_index', type: 'integer' })
  atIndex!: number;

  @Column({ type: 'jsonb', nullable: true })
  report!: RehearsalReport | null;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'created_by', type: 'text' })
  createdBy!: string;

  @Column({ name: 'finished_at', type: 'timestamptz', nullable: true })
  finishedAt!: Date | null;
}
