-- Connected upstream accounts, and the access tokens that were obtained from upstreams' authorization servers. Both hold only sealed tokens.
SET LOCAL search_path = caracal, pg_catalog;

CREATE TABLE connections (
  zone text NOT NULL,
  id text NOT NULL,
  provider text NOT NULL,
  -- Whose account it is, as `sub` says it; without one everybody's.
  subject text,
  status text NOT NULL CHECK (status IN ('pending', 'active', 'broken', 'revoked')),
  reason text,
  scope text,
  state_hash bytea,
  verifier_sealed bytea,
  pending_until timestamptz,
  refresh_sealed bytea,
  refresh_version integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  created_by text NOT NULL,
  connected_at timestamptz,
  updated_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  -- When the upstream had been told that it ended, or could not be told.
  told_at timestamptz,
  version integer NOT NULL DEFAULT 1,
  PRIMARY KEY (zone, id),
  FOREIGN KEY (zone, provider) REFERENCES providers (zone, id),
  CHECK (subject <> '')
);
CREATE UNIQUE INDEX connections_one_active ON connections (zone, provider, coalesce(subject, '')) WHERE status = 'active';
CREATE UNIQUE INDEX connections_state ON connections (zone, state_hash) WHERE state_hash IS NOT NULL;

-- One row per (provider, subject, scopes): the token, who is renewing it, and how that went.
CREATE TABLE upstream_tokens (
  zone text NOT NULL,
  provider text NOT NULL,
  subject text NOT NULL,
  scopes text NOT NULL,
  -- What it was obtained under: configuration, secret, connection. Under another basis the row is worth nothing.
  basis text NOT NULL,
  connection text,
  access_sealed bytea,
  generation integer NOT NULL DEFAULT 0,
  obtained_at timestamptz,
  expires_at timestamptz,
  lease_holder text,
  lease_until timestamptz,
  failures integer NOT NULL DEFAULT 0,
  fault text,
  retry_at timestamptz,
  touched_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (zone, provider, subject, scopes),
  FOREIGN KEY (zone, provider) REFERENCES providers (zone, id),
  FOREIGN KEY (zone, connection) REFERENCES connections (zone, id)
);
CREATE INDEX upstream_tokens_connection ON upstream_tokens (zone, connection) WHERE connection IS NOT NULL;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['connections', 'upstream_tokens'] LOOP
    EXECUTE format('ALTER TABLE caracal.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE caracal.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY zone_isolation ON caracal.%I USING (zone = nullif(current_setting(''caracal.zone'', true), '''')) WITH CHECK (zone = nullif(current_setting(''caracal.zone'', true), ''''))', t);
  END LOOP;
END $$;

-- Tokens that have expired, and attempts that got none; a token without an end stays with its connection.
CREATE POLICY janitor_expired ON upstream_tokens TO caracal_janitor
  USING (coalesce(expires_at, CASE WHEN access_sealed IS NULL THEN touched_at END) < now());

GRANT SELECT, INSERT, UPDATE ON connections TO caracal_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON upstream_tokens TO caracal_app;
GRANT SELECT, DELETE ON upstream_tokens TO caracal_janitor;
