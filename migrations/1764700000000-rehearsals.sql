-- Rehearsals of policies over more of the ledger than one answer waits for.
SET LOCAL search_path = caracal, pg_catalog;

CREATE TABLE rehearsals (
  zone text NOT NULL REFERENCES zones (slug),
  id text NOT NULL,
  status text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'done', 'failed')),
  cedar text,
  version integer,
  first_index integer NOT NULL,
  end_index integer NOT NULL,
  at_index integer NOT NULL,
  report jsonb,
  created_at timestamptz NOT NULL DEFAULT now(),
  created_by text NOT NULL,
  finished_at timestamptz,
  PRIMARY KEY (zone, id)
);

ALTER TABLE rehearsals ENABLE ROW LEVEL SECURITY;
ALTER TABLE rehearsals FORCE ROW LEVEL SECURITY;
CREATE POLICY zone_isolation ON rehearsals
  USING (zone = nullif(current_setting('caracal.zone', true), ''))
  WITH CHECK (zone = nullif(current_setting('caracal.zone', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON rehearsals TO caracal_app;
