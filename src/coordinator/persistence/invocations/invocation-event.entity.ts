import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { InvocationEventType } from '../../domain/invocations/invocation.js';

@Entity({ name: 'invocation_events', schema: 'caracal' })
export class InvocationEventEntity {
  @PrimaryColumn({ type: 'text' })
  zone!: string;

  @PrimaryColumn({ type: 'text' })
  invocation!: string;

  @PrimaryColumn({ type: 'integer' })
  seq!: number;

  @Column({ type: 'text' })
  type!: InvocationEventType;

  @Column({ type: 'timestamptz' })
  at!: Date;

  @Column({ type: 'integer' })
  attempt!: number;

  @Column({ type: 'text', nullable: true })
  note!: string | null;

  @Column({ type: 'integer', nullable: true })
  percent!: number | null;
}
