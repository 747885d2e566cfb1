import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Whose work a session of an MCP server belongs to; both names are digests. */
@Entity({ name: 'mcp_sessions', schema: 'caracal' })
export class McpSessionEntity {
  @PrimaryColumn({ type: 'text' })
  zone!: string;

  @PrimaryColumn({ type: 'text' })
  resource!: string;

  @PrimaryColumn({ type: 'bytea' })
  session!: Buffer;

  @Column({ type: 'bytea' })
  lineage!: Buffer;

  @Column({ type: 'timestamptz', name: 'expires_at' })
  expiresAt!: Date;
}
