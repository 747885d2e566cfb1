import { Entity, PrimaryColumn } from 'typeorm';

/** An argument that an operation of the zone has declared at some time, with its type. */
@Entity({ name: 'declared_arguments', schema: 'caracal' })
export class DeclaredArgumentEntity {
  @PrimaryColumn({ type: 'text' })
  zone!: string;

  @PrimaryColumn({ type: 'text' })
  name!: string;

  @PrimaryColumn({ type: 'text' })
  type!: 'string' | 'integer' | 'boolean';
}
