-- Work that one session hands to another, and what became of it.

SET LOCAL search_path = caracal, pg_catalog;

CREATE TABLE invocations (
  zone text NOT NULL,
  id text NOT NULL,
  source text NOT NULL,
  target text NOT NULL,
  source_application text NOT NULL,
  target_application text NOT NULL,
  txn text NOT NULL,
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'running', 'succeeded', 'failed', 'timed_out', 'cancelled')),
  attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0 AND attempts <= max_attempts),
  max_attempts integer NOT NULL CHECK (max_attempts >= 1),
  backoff_seconds integer NOT NULL DEFAULT 0,
  -- The generation of the target that the running attempt began under.
  generation integer,
  deadline_at timestamptz NOT NULL,
  available_at timestamptz NOT NULL,
  input_digest text,
  input jsonb,
  result_digest text,
  result jsonb,
  reason text,
  percent integer,
  created_at timestamptz NOT NULL,
  started_at timestamptz,
  ended_at timestamptz,
  PRIMARY KEY (zone, id),
  FOREIGN KEY (zone, source) REFERENCES sessions (zone, id),
  FOREIGN KEY (zone, target) REFERENCES sessions (zone, id)
);
CREATE INDEX invocations_source ON invocations (zone, source, id);
CREATE INDEX invocations_target ON invocations (zone, target, id);
CREATE INDEX invocations_waiting ON invocations (zone, target, available_at) WHERE status = 'pending';
CREATE INDEX invocations_waiting_application ON invocations (zone, target_application, available_at) WHERE status = 'pending';
CREATE INDEX invocations_deadline ON invocations (deadline_at) WHERE status IN ('pending', 'running');
CREATE INDEX invocations_ended ON invocations (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE invocation_events (
  zone text NOT NULL,
  invocation text NOT NULL,
  seq integer NOT NULL,
  type text NOT NULL CHECK (type IN ('created', 'started', 'progress', 'failed', 'retried', 'succeeded', 'cancelled', 'timed_out')),
  at timestamptz NOT NULL,
  attempt integer NOT NULL,
  note text,
  percent integer,
  PRIMARY KEY (zone, invocation, seq),
  FOREIGN KEY (zone, invocation) REFERENCES invocations (zone, id) ON DELETE CASCADE
);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['invocations', 'invocation_events'] LOOP
    EXECUTE format('ALTER TABLE caracal.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE caracal.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY zone_isolation ON caracal.%I USING (zone = nullif(current_setting(''caracal.zone'', true), '''')) WITH CHECK (zone = nullif(current_setting(''caracal.zone'', true), ''''))', t);
  END LOOP;
END $$;
CREATE POLICY system_read ON invocations FOR SELECT TO caracal_system USING (true);
CREATE POLICY janitor_ended ON invocations TO caracal_janitor USING (ended_at < now() - interval '30 days');

GRANT SELECT, INSERT, UPDATE ON invocations TO caracal_app;
GRANT SELECT, INSERT ON invocation_events TO caracal_app;
GRANT SELECT ON invocations TO caracal_system;
GRANT SELECT, DELETE ON invocations TO caracal_janitor;
