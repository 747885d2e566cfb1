-- Foundation: vocabulary of the control plane, runtime state, feed, queue tables and the ledger.
-- Run as caracal_owner (NOLOGIN). Schemas caracal and caracal_ledger and the login roles exist before.
-- Every zone table carries `zone` (the zone's slug) and is isolated by FORCEd row-level security.

SET LOCAL search_path = caracal, pg_catalog;


-- ───────────────────────────── without row-level security, by name ─────────────────────────────

CREATE TABLE zones (
  slug text PRIMARY KEY CHECK (slug ~ '^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$' OR slug = '_system'),
  id text NOT NULL UNIQUE,
  name text NOT NULL,
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'killed', 'archived')),
  epoch integer NOT NULL DEFAULT 0,
  settings jsonb NOT NULL DEFAULT '{}',
  log_origin text NOT NULL,
  log_vkey text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz,
  version integer NOT NULL DEFAULT 1
);

CREATE TABLE admin_tokens (
  id text PRIMARY KEY,
  name text NOT NULL,
  secret_mac bytea NOT NULL UNIQUE,
  capabilities text[] NOT NULL,
  zones text[],
  created_at timestamptz NOT NULL DEFAULT now(),
  created_by text,
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz,
  last_used_at timestamptz
);

CREATE TABLE feed_head (
  zone text PRIMARY KEY,
  seq bigint NOT NULL DEFAULT 0
);

CREATE TABLE change_log (
  zone text NOT NULL,
  seq bigint NOT NULL,
  kind text NOT NULL,
  id text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (zone, seq)
);
CREATE INDEX change_log_at ON change_log (at);

CREATE TABLE outbox (
  id uuid PRIMARY KEY,
  zone text NOT NULL,
  aggregate text NOT NULL,
  position bigint GENERATED ALWAYS AS IDENTITY,
  queue text NOT NULL,
  name text NOT NULL,
  body jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  leased_until timestamptz,
  attempts integer NOT NULL DEFAULT 0,
  last_error text,
  done_at timestamptz
);
CREATE INDEX outbox_open ON outbox (position) WHERE done_at IS NULL;
CREATE INDEX outbox_aggregate_open ON outbox (aggregate, position) WHERE done_at IS NULL;

CREATE TABLE inbox (
  queue text NOT NULL,
  id uuid NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (queue, id)
);
CREATE INDEX inbox_at ON inbox (at);

CREATE TABLE dead_letter (
  id uuid PRIMARY KEY,
  zone text,
  queue text NOT NULL,
  name text NOT NULL,
  reason text NOT NULL,
  envelope jsonb NOT NULL,
  attempts integer NOT NULL DEFAULT 1,
  first_at timestamptz NOT NULL DEFAULT now(),
  last_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE secret_fingerprints (
  name text PRIMARY KEY,
  fingerprint text NOT NULL
);

CREATE TABLE replicas (
  id uuid PRIMARY KEY,
  started_at timestamptz NOT NULL DEFAULT now(),
  seen_at timestamptz NOT NULL DEFAULT now(),
  version text NOT NULL
);

-- ───────────────────────────── zone tables: catalogue ─────────────────────────────

CREATE TABLE applications (
  zone text NOT NULL REFERENCES zones (slug),
  id text NOT NULL,
  slug text NOT NULL,
  name text NOT NULL,
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'revoked', 'archived')),
  epoch integer NOT NULL DEFAULT 0,
  allowed_labels text[] NOT NULL DEFAULT '{}',
  limits jsonb NOT NULL DEFAULT '{}',
  settings jsonb NOT NULL DEFAULT '{}',
  expires_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz,
  version integer NOT NULL DEFAULT 1,
  PRIMARY KEY (zone, id),
  UNIQUE (zone, slug)
);

CREATE TABLE credentials (
  zone text NOT NULL,
  id text NOT NULL,
  application text NOT NULL,
  type text NOT NULL CHECK (type IN ('client_secret', 'jwks', 'jwks_uri', 'spiffe', 'certificate')),
  secret_mac bytea,
  jwks jsonb,
  details jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  PRIMARY KEY (zone, id),
  FOREIGN KEY (zone, application) REFERENCES applications (zone, id)
);
CREATE INDEX credentials_application ON credentials (zone, application);

CREATE TABLE providers (
  zone text NOT NULL REFERENCES zones (slug),
  id text NOT NULL,
  name text NOT NULL,
  kind text NOT NULL,
  config jsonb NOT NULL DEFAULT '{}',
  secret_sealed bytea,
  secret_version integer NOT NULL DEFAULT 1,
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'archived')),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz,
  version integer NOT NULL DEFAULT 1,
  PRIMARY KEY (zone, id)
);

CREATE TABLE resources (
  zone text NOT NULL REFERENCES zones (slug),
  id text NOT NULL,
  slug text NOT NULL,
  identifier text NOT NULL,
  name text NOT NULL,
  upstream_url text,
  enforcement text NOT NULL DEFAULT 'gateway' CHECK (enforcement IN ('gateway', 'direct')),
  scopes jsonb NOT NULL DEFAULT '[]',
  operations jsonb NOT NULL DEFAULT '[]',
  provider text,
  egress jsonb NOT NULL DEFAULT '{}',
  limits jsonb NOT NULL DEFAULT '{}',
  options jsonb NOT NULL DEFAULT '{}',
  server_application text,
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'archived')),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz,
  version integer NOT NULL DEFAULT 1,
  PRIMARY KEY (zone, id),
  UNIQUE (zone, slug),
  FOREIGN KEY (zone, provider) REFERENCES providers (zone, id),
  FOREIGN KEY (zone, server_application) REFERENCES applications (zone, id)
);
CREATE UNIQUE INDEX resources_identifier ON resources (zone, identifier) WHERE status = 'active';

CREATE TABLE grants (
  zone text NOT NULL,
  id text NOT NULL,
  application text NOT NULL,
  resource text NOT NULL,
  scopes text[] NOT NULL,
  label text,
  expires_at timestamptz,
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'archived')),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz,
  version integer NOT NULL DEFAULT 1,
  PRIMARY KEY (zone, id),
  FOREIGN KEY (zone, application) REFERENCES applications (zone, id),
  FOREIGN KEY (zone, resource) REFERENCES resources (zone, id)
);
CREATE INDEX grants_application ON grants (zone, application);

CREATE TABLE signing_keys (
  zone text NOT NULL REFERENCES zones (slug),
  kid text NOT NULL,
  alg text NOT NULL CHECK (alg IN ('ES256', 'EdDSA')),
  state text NOT NULL CHECK (state IN ('next', 'active', 'retiring', 'retired', 'revoked')),
  public_jwk jsonb NOT NULL,
  private_sealed bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  published_at timestamptz NOT NULL DEFAULT now(),
  activated_at timestamptz,
  activate_after timestamptz,
  retiring_at timestamptz,
  ended_at timestamptz,
  PRIMARY KEY (zone, kid)
);
CREATE UNIQUE INDEX signing_keys_one_active ON signing_keys (zone) WHERE state = 'active';

-- ───────────────────────────── zone tables: runtime ─────────────────────────────

-- One row per zone: whoever changes the session or delegation graph locks it first (lock order: graph, rows, feed, ledger).
CREATE TABLE graph_lock (
  zone text PRIMARY KEY REFERENCES zones (slug)
);

CREATE TABLE sessions (
  zone text NOT NULL,
  id text NOT NULL,
  application text NOT NULL,
  credential text,
  parent text,
  root text NOT NULL,
  path text COLLATE "C" NOT NULL,
  depth integer NOT NULL,
  lifecycle text NOT NULL CHECK (lifecycle IN ('task', 'service')),
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended', 'terminated', 'expired')),
  labels text[] NOT NULL DEFAULT '{}',
  metadata jsonb NOT NULL DEFAULT '{}',
  subject text NOT NULL,
  subject_type text NOT NULL CHECK (subject_type IN ('application', 'user')),
  authority text NOT NULL CHECK (authority IN ('inherit', 'none', 'narrowed')),
  delegation text,
  epochs jsonb NOT NULL,
  cnf jsonb,
  txn text NOT NULL,
  generation integer NOT NULL DEFAULT 1,
  lease_seconds integer,
  lease_expires_at timestamptz,
  started_at timestamptz NOT NULL,
  expires_at timestamptz,
  suspended_at timestamptz,
  suspend_reason text,
  ended_at timestamptz,
  end_reason text,
  PRIMARY KEY (zone, id),
  FOREIGN KEY (zone, application) REFERENCES applications (zone, id),
  FOREIGN KEY (zone, parent) REFERENCES sessions (zone, id)
);
CREATE UNIQUE INDEX sessions_path ON sessions (zone, path);
CREATE INDEX sessions_application ON sessions (zone, application, id);
CREATE INDEX sessions_parent ON sessions (zone, parent);
CREATE INDEX sessions_live_application ON sessions (zone, application) WHERE status IN ('active', 'suspended');
CREATE INDEX sessions_expiry ON sessions (expires_at) WHERE status IN ('active', 'suspended');
CREATE INDEX sessions_lease ON sessions (lease_expires_at) WHERE status = 'active' AND lifecycle = 'service';

CREATE TABLE delegations (
  zone text NOT NULL,
  id text NOT NULL,
  source text NOT NULL,
  target text NOT NULL,
  source_application text NOT NULL,
  target_application text NOT NULL,
  parent text,
  path text[] NOT NULL,
  resources jsonb NOT NULL,
  constraints jsonb NOT NULL DEFAULT '{}',
  hops_remaining integer NOT NULL CHECK (hops_remaining >= 0),
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'revoked', 'expired')),
  spawned boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  end_reason text,
  PRIMARY KEY (zone, id),
  FOREIGN KEY (zone, source) REFERENCES sessions (zone, id),
  FOREIGN KEY (zone, target) REFERENCES sessions (zone, id),
  FOREIGN KEY (zone, parent) REFERENCES delegations (zone, id)
);
CREATE INDEX delegations_source ON delegations (zone, source);
CREATE INDEX delegations_target ON delegations (zone, target);
CREATE INDEX delegations_path ON delegations USING gin (path);
CREATE INDEX delegations_expiry ON delegations (expires_at) WHERE status = 'active';

-- One row per anchor that ends everything under it; complete in memory on each replica until `expires_at`.
CREATE TABLE revocations (
  zone text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('zone', 'application', 'credential', 'session', 'delegation', 'subject', 'token', 'connection', 'key')),
  anchor text NOT NULL,
  reason text NOT NULL,
  actor text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  epoch integer,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (zone, kind, anchor)
);
CREATE INDEX revocations_expiry ON revocations (expires_at);

CREATE TABLE subject_epochs (
  zone text NOT NULL REFERENCES zones (slug),
  subject text NOT NULL,
  epoch integer NOT NULL DEFAULT 0,
  revoked_at timestamptz,
  PRIMARY KEY (zone, subject)
);

-- Things that may happen once: jti of assertions and proofs, single-use mandates, control tokens, budgets.
CREATE TABLE claims (
  zone text NOT NULL,
  kind text NOT NULL,
  key bytea NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (zone, kind, key)
);
CREATE INDEX claims_expiry ON claims (expires_at);

CREATE TABLE idempotency_keys (
  zone text NOT NULL,
  caller text NOT NULL,
  route text NOT NULL,
  key text NOT NULL,
  body_digest bytea NOT NULL,
  http_status integer,
  headers jsonb,
  body jsonb,
  created_at timestamptz NOT NULL DEFAULT now(),
  leased_until timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (zone, caller, route, key)
);
CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);

-- ───────────────────────────── ledger ─────────────────────────────

CREATE TABLE ledger_head (
  zone text PRIMARY KEY,
  next_index bigint NOT NULL DEFAULT 0,
  chain_mac bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
  ingested_at timestamptz NOT NULL DEFAULT '-infinity'
);

CREATE TABLE ledger (
  zone text NOT NULL,
  index bigint NOT NULL,
  event_id uuid NOT NULL,
  ingested_at timestamptz NOT NULL,
  kid text NOT NULL,
  leaf bytea NOT NULL,
  chain_mac bytea NOT NULL,
  entry text NOT NULL,
  request_id text,
  facets text[] NOT NULL,
  PRIMARY KEY (zone, index, ingested_at)
) PARTITION BY RANGE (ingested_at);
CREATE INDEX ledger_request ON ledger (zone, request_id) WHERE request_id IS NOT NULL;

CREATE FUNCTION caracal.ledger_refuse() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, caracal AS $$
BEGIN
  RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE ON ledger
  FOR EACH ROW EXECUTE FUNCTION caracal.ledger_refuse();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger
  FOR EACH STATEMENT EXECUTE FUNCTION caracal.ledger_refuse();
ALTER TABLE ledger ENABLE ALWAYS TRIGGER ledger_no_change;
ALTER TABLE ledger ENABLE ALWAYS TRIGGER ledger_no_truncate;

-- Makes the partition of one month; idempotent. Partitions live where no run-time role has USAGE.
CREATE FUNCTION caracal.ledger_make_partition(p_month date) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, caracal AS $$
DECLARE
  v_start date := date_trunc('month', p_month)::date;
  v_name text := 'ledger_' || to_char(v_start, 'YYYY_MM');
BEGIN
  IF v_start < date_trunc('month', now() - interval '1 month') OR v_start > date_trunc('month', now() + interval '12 months') THEN
    RAISE EXCEPTION 'ledger partition % is out of the window that may be made', v_name USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('caracal.ledger_make_partition'));
  IF to_regclass('caracal_ledger.' || v_name) IS NOT NULL THEN RETURN false; END IF;
  EXECUTE format('CREATE TABLE caracal_ledger.%I PARTITION OF caracal.ledger FOR VALUES FROM (%L) TO (%L)',
    v_name, v_start::timestamp AT TIME ZONE 'UTC', (v_start + interval '1 month')::timestamp AT TIME ZONE 'UTC');
  EXECUTE format('ALTER TABLE caracal_ledger.%I ENABLE ROW LEVEL SECURITY', v_name);
  EXECUTE format('ALTER TABLE caracal_ledger.%I FORCE ROW LEVEL SECURITY', v_name);
  EXECUTE format('CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON caracal_ledger.%I FOR EACH STATEMENT EXECUTE FUNCTION caracal.ledger_refuse()', v_name);
  EXECUTE format('ALTER TABLE caracal_ledger.%I ENABLE ALWAYS TRIGGER ledger_no_truncate', v_name);
  EXECUTE format('ALTER TABLE caracal_ledger.%I ENABLE ALWAYS TRIGGER ledger_no_change', v_name);
  RETURN true;
END $$;

-- Opens a zone's ledger at index 0; the zone is its argument.
CREATE FUNCTION caracal.ledger_open(p_zone text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, caracal AS $$
DECLARE v_before text := current_setting('caracal.zone', true);
BEGIN
  PERFORM set_config('caracal.zone', p_zone, true);
  INSERT INTO caracal.ledger_head (zone) VALUES (p_zone) ON CONFLICT DO NOTHING;
  PERFORM set_config('caracal.zone', coalesce(v_before, ''), true);
END $$;

-- Locks the heads of the zones in one order and returns them as they are after the lock was had.
-- The read is a statement of its own under the lock: a lock and a read in one statement would share a snapshot.
CREATE FUNCTION caracal.ledger_lock(p_zones text[])
  RETURNS TABLE (zone text, next_index bigint, chain_mac bytea, ingested_at timestamptz)
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, caracal AS $$
DECLARE
  v_before text := current_setting('caracal.zone', true);
  v_zone text;
BEGIN
  FOR v_zone IN SELECT DISTINCT z FROM unnest(p_zones) AS z ORDER BY z LOOP
    PERFORM set_config('caracal.zone', v_zone, true);
    RETURN QUERY SELECT h.zone, h.next_index, h.chain_mac, h.ingested_at
      FROM caracal.ledger_head h WHERE h.zone = v_zone FOR UPDATE;
  END LOOP;
  PERFORM set_config('caracal.zone', coalesce(v_before, ''), true);
END $$;

-- The only way into the ledger. Refuses unless the head is exactly what the caller chained onto.
CREATE FUNCTION caracal.ledger_append(
  p_zone text, p_expected_index bigint, p_expected_mac bytea,
  p_event_ids uuid[], p_ingested_at timestamptz[], p_kids text[], p_leaves bytea[], p_macs bytea[],
  p_entries text[], p_request_ids text[], p_facets text[]
) RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, caracal AS $$
DECLARE
  v_before text := current_setting('caracal.zone', true);
  v_head caracal.ledger_head%ROWTYPE;
  v_count integer := cardinality(p_event_ids);
  v_bad integer;
BEGIN
  IF v_count IS NULL OR v_count = 0 OR v_count > 4096
     OR cardinality(p_ingested_at) <> v_count OR cardinality(p_kids) <> v_count OR cardinality(p_leaves) <> v_count
     OR cardinality(p_macs) <> v_count OR cardinality(p_entries) <> v_count
     OR cardinality(p_request_ids) <> v_count OR cardinality(p_facets) <> v_count THEN
    RAISE EXCEPTION 'ledger_append: ragged or empty group' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM set_config('caracal.zone', p_zone, true);
  SELECT * INTO v_head FROM caracal.ledger_head h WHERE h.zone = p_zone FOR UPDATE;
  IF NOT FOUND OR v_head.next_index <> p_expected_index OR v_head.chain_mac <> p_expected_mac THEN
    RAISE EXCEPTION 'ledger_append: head of % is not where the group was chained', p_zone USING ERRCODE = 'serialization_failure';
  END IF;
  SELECT count(*) INTO v_bad FROM (
    SELECT t.at, lag(t.at, 1, v_head.ingested_at) OVER (ORDER BY t.n) AS before, t.leaf, t.mac, t.entry
    FROM unnest(p_ingested_at, p_leaves, p_macs, p_entries) WITH ORDINALITY AS t(at, leaf, mac, entry, n)
  ) g WHERE g.at IS NULL OR g.at < g.before OR length(g.leaf) <> 32 OR length(g.mac) <> 32
        OR g.leaf <> sha256('\x00'::bytea || convert_to(g.entry, 'UTF8'));
  IF v_bad > 0 THEN
    RAISE EXCEPTION 'ledger_append: % entries are back-dated or not their own leaf', v_bad USING ERRCODE = 'invalid_parameter_value';
  END IF;
  INSERT INTO caracal.ledger (zone, index, event_id, ingested_at, kid, leaf, chain_mac, entry, request_id, facets)
  SELECT p_zone, p_expected_index + t.n - 1, t.event_id, t.at, t.kid, t.leaf, t.mac, t.entry, t.request_id,
         string_to_array(t.facets, E'\x1f')
  FROM unnest(p_event_ids, p_ingested_at, p_kids, p_leaves, p_macs, p_entries, p_request_ids, p_facets)
       WITH ORDINALITY AS t(event_id, at, kid, leaf, mac, entry, request_id, facets, n)
  ORDER BY t.n;
  UPDATE caracal.ledger_head h
     SET next_index = p_expected_index + v_count, chain_mac = p_macs[v_count], ingested_at = p_ingested_at[v_count]
   WHERE h.zone = p_zone;
  PERFORM set_config('caracal.zone', coalesce(v_before, ''), true);
END $$;

-- Claims keys that may be used once; returns the ordinals (from 1) that were won.
CREATE FUNCTION caracal.claim_once(p_zone text, p_kinds text[], p_keys bytea[], p_expires timestamptz[])
  RETURNS SETOF integer LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, caracal AS $$
DECLARE v_before text := current_setting('caracal.zone', true);
BEGIN
  PERFORM set_config('caracal.zone', p_zone, true);
  RETURN QUERY
    WITH asked AS (
      SELECT t.kind, t.key, t.expires, t.n,
             row_number() OVER (PARTITION BY t.kind, t.key ORDER BY t.n) AS turn
      FROM unnest(p_kinds, p_keys, p_expires) WITH ORDINALITY AS t(kind, key, expires, n)
    ), won AS (
      INSERT INTO caracal.claims AS c (zone, kind, key, expires_at)
      SELECT p_zone, a.kind, a.key, a.expires FROM asked a WHERE a.turn = 1 ORDER BY a.kind, a.key
      ON CONFLICT DO NOTHING RETURNING c.kind, c.key
    )
    SELECT a.n::integer FROM asked a JOIN won w ON w.kind = a.kind AND w.key = a.key WHERE a.turn = 1;
  PERFORM set_config('caracal.zone', coalesce(v_before, ''), true);
END $$;

-- Gives a claim back when what it was taken for provably did not happen.
CREATE FUNCTION caracal.claim_release(p_zone text, p_kind text, p_key bytea)
  RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, caracal AS $$
DECLARE v_before text := current_setting('caracal.zone', true);
BEGIN
  PERFORM set_config('caracal.zone', p_zone, true);
  DELETE FROM caracal.claims c WHERE c.zone = p_zone AND c.kind = p_kind AND c.key = p_key;
  PERFORM set_config('caracal.zone', coalesce(v_before, ''), true);
END $$;

SELECT caracal.ledger_make_partition((date_trunc('month', now()) + make_interval(months => m))::date) FROM generate_series(0, 2) AS m;

-- ───────────────────────────── row-level security ─────────────────────────────

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['applications', 'credentials', 'providers', 'resources', 'grants', 'signing_keys', 'graph_lock', 'sessions',
    'delegations', 'revocations', 'subject_epochs', 'claims', 'idempotency_keys', 'ledger_head', 'ledger'] LOOP
    EXECUTE format('ALTER TABLE caracal.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE caracal.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY zone_isolation ON caracal.%I USING (zone = nullif(current_setting(''caracal.zone'', true), '''')) WITH CHECK (zone = nullif(current_setting(''caracal.zone'', true), ''''))', t);
  END LOOP;
  -- The system role sees across zones on these tables only (expiry, retention, relay, sweep).
  FOREACH t IN ARRAY ARRAY['sessions', 'delegations', 'revocations', 'claims', 'idempotency_keys', 'signing_keys', 'ledger_head', 'ledger'] LOOP
    EXECUTE format('CREATE POLICY system_read ON caracal.%I FOR SELECT TO caracal_system USING (true)', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['claims', 'idempotency_keys', 'revocations'] LOOP
    EXECUTE format('CREATE POLICY janitor_expired ON caracal.%I TO caracal_janitor USING (expires_at < now())', t);
  END LOOP;
END $$;

-- ───────────────────────────── privileges ─────────────────────────────

REVOKE ALL ON SCHEMA caracal FROM PUBLIC;
REVOKE ALL ON SCHEMA caracal_ledger FROM PUBLIC;
GRANT USAGE ON SCHEMA caracal TO caracal_app, caracal_audit, caracal_auditor, caracal_janitor, caracal_system;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA caracal FROM PUBLIC;

GRANT SELECT, INSERT, UPDATE ON zones, applications, credentials, providers, resources, grants, signing_keys, graph_lock, sessions,
  delegations, revocations, subject_epochs TO caracal_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO caracal_app;
GRANT DELETE ON credentials TO caracal_app;
GRANT SELECT, INSERT, UPDATE ON admin_tokens, feed_head TO caracal_app;
GRANT SELECT, INSERT ON change_log, outbox, inbox TO caracal_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON dead_letter TO caracal_app;
GRANT SELECT ON ledger_head TO caracal_app;
GRANT EXECUTE ON FUNCTION caracal.ledger_open(text), caracal.ledger_lock(text[]),
  caracal.ledger_append(text, bigint, bytea, uuid[], timestamptz[], text[], bytea[], bytea[], text[], text[], text[]),
  caracal.claim_once(text, text[], bytea[], timestamptz[]), caracal.claim_release(text, text, bytea) TO caracal_app;

GRANT EXECUTE ON FUNCTION caracal.ledger_lock(text[]),
  caracal.ledger_append(text, bigint, bytea, uuid[], timestamptz[], text[], bytea[], bytea[], text[], text[], text[]),
  caracal.claim_once(text, text[], bytea[], timestamptz[]), caracal.claim_release(text, text, bytea) TO caracal_audit;
GRANT SELECT ON ledger_head TO caracal_audit;
GRANT SELECT, INSERT ON inbox TO caracal_audit;

GRANT SELECT ON ledger, ledger_head, zones TO caracal_auditor;

GRANT SELECT, DELETE ON claims, idempotency_keys, revocations, inbox, change_log, outbox, replicas TO caracal_janitor;
GRANT EXECUTE ON FUNCTION caracal.ledger_make_partition(date) TO caracal_janitor;

GRANT SELECT ON zones, admin_tokens, feed_head, change_log, sessions, delegations, revocations, signing_keys, ledger, ledger_head,
  secret_fingerprints TO caracal_system;
GRANT SELECT, INSERT, UPDATE ON outbox, dead_letter, replicas TO caracal_system;
GRANT SELECT, INSERT ON inbox TO caracal_system;
GRANT INSERT ON secret_fingerprints TO caracal_system;
GRANT DELETE ON dead_letter TO caracal_system;

-- The system zone owns what belongs to no other: administration of tokens, webhooks, retention of the process itself.
INSERT INTO zones (slug, id, name, log_origin, log_vkey) VALUES ('_system', 'zon_system', 'System', '', '');
INSERT INTO feed_head (zone) VALUES ('_system');
SELECT caracal.ledger_open('_system');
