-- Sweeps of the ledger: how far each has come, so that another replica can go on, and what it found.

SET LOCAL search_path = caracal, pg_catalog;

CREATE TABLE ledger_sweeps (
  zone text NOT NULL REFERENCES zones (slug),
  id text NOT NULL,
  status text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'done', 'failed')),
  next_index bigint NOT NULL DEFAULT 0,
  chain_mac bytea,
  ingested_at timestamptz,
  findings jsonb NOT NULL DEFAULT '[]',
  started_at timestamptz NOT NULL,
  finished_at timestamptz,
  PRIMARY KEY (zone, id)
);
CREATE INDEX ledger_sweeps_done ON ledger_sweeps (zone, started_at DESC) WHERE status = 'done';

ALTER TABLE ledger_sweeps ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_sweeps FORCE ROW LEVEL SECURITY;
CREATE POLICY zone_isolation ON ledger_sweeps USING (zone = nullif(current_setting('caracal.zone', true), ''))
  WITH CHECK (zone = nullif(current_setting('caracal.zone', true), ''));
CREATE POLICY system_read ON ledger_sweeps FOR SELECT TO caracal_system USING (true);
GRANT SELECT, INSERT, UPDATE ON ledger_sweeps TO caracal_app;
GRANT SELECT ON ledger_sweeps TO caracal_system;
