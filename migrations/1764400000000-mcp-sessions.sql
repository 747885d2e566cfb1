-- Which work an MCP server's session belongs to, so that every replica answers alike. Identifiers and lineages are kept as digests.
SET LOCAL search_path = caracal, pg_catalog;

CREATE TABLE mcp_sessions (
  zone text NOT NULL REFERENCES zones (slug),
  resource text NOT NULL,
  session bytea NOT NULL CHECK (octet_length(session) = 32),
  lineage bytea NOT NULL CHECK (octet_length(lineage) = 32),
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (zone, resource, session)
);
CREATE INDEX mcp_sessions_lineage ON mcp_sessions (zone, resource, lineage, expires_at);
CREATE INDEX mcp_sessions_expiry ON mcp_sessions (expires_at);

ALTER TABLE mcp_sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE mcp_sessions FORCE ROW LEVEL SECURITY;
CREATE POLICY zone_isolation ON mcp_sessions
  USING (zone = nullif(current_setting('caracal.zone', true), ''))
  WITH CHECK (zone = nullif(current_setting('caracal.zone', true), ''));
CREATE POLICY janitor_expired ON mcp_sessions TO caracal_janitor USING (expires_at < now());

GRANT SELECT, INSERT, UPDATE, DELETE ON mcp_sessions TO caracal_app;
GRANT SELECT, DELETE ON mcp_sessions TO caracal_janitor;
