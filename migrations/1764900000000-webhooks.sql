-- Webhooks: who is told of which ledger entries. They belong to the server, so they are rows of the system zone; `about` is the zone they are told of.

SET LOCAL search_path = caracal, pg_catalog;

CREATE TABLE webhooks (
  zone text NOT NULL REFERENCES zones (slug),
  id text NOT NULL,
  url text NOT NULL,
  events text[] NOT NULL,
  about text REFERENCES zones (slug),
  secret_sealed bytea NOT NULL,
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'archived')),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz,
  version integer NOT NULL DEFAULT 1,
  PRIMARY KEY (zone, id)
);

-- How far the ledger of a zone has been told to a webhook. A zone without a row is told from its first entry on. Rows for the heads of the moment are
-- written before their webhook, so that it is told of nothing that was before it.
CREATE TABLE webhook_cursors (
  zone text NOT NULL REFERENCES zones (slug),
  webhook text NOT NULL,
  about text NOT NULL REFERENCES zones (slug),
  next_index bigint NOT NULL,
  PRIMARY KEY (zone, webhook, about)
);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['webhooks', 'webhook_cursors'] LOOP
    EXECUTE format('ALTER TABLE caracal.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE caracal.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY zone_isolation ON caracal.%I USING (zone = nullif(current_setting(''caracal.zone'', true), '''')) WITH CHECK (zone = nullif(current_setting(''caracal.zone'', true), ''''))', t);
  END LOOP;
END $$;
CREATE POLICY system_read ON webhooks FOR SELECT TO caracal_system USING (true);
CREATE POLICY system_cursors ON webhook_cursors TO caracal_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE ON webhooks TO caracal_app;
GRANT SELECT ON webhooks TO caracal_system;
GRANT SELECT, INSERT, UPDATE ON webhook_cursors TO caracal_system;
