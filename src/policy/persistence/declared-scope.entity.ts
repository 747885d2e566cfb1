import { Entity, PrimaryColumn } from 'typeorm';

/** A scope that a resource of the zone has declared at some time. */
@Entity({ name: 'declared_scopes', schema: 'caracal' })
export class DeclaredScopeEntity {
  @PrimaryColumn({ type: 'text' })
  zone!: string;

  @PrimaryColumn({ type: 'text' })
  scope!: string;
}
