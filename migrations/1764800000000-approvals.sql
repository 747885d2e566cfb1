-- Holds: what a person must decide before authority is released, and what became of it.
SET LOCAL search_path = caracal, pg_catalog;

CREATE TABLE approvals (
  zone text NOT NULL REFERENCES zones (slug),
  id text NOT NULL,
  binding text NOT NULL,
  origin text NOT NULL CHECK (origin IN ('exchange', 'gateway', 'ciba', 'control')),
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'approved', 'denied', 'expired', 'consumed')),
  approver_class text NOT NULL CHECK (approver_class IN ('operator', 'subject', 'any')),
  quorum integer NOT NULL CHECK (quorum > 0),
  requirements jsonb NOT NULL,
  decisions jsonb NOT NULL DEFAULT '[]',
  application text NOT NULL,
  session text,
  sides text[] NOT NULL DEFAULT '{}',
  subject text NOT NULL,
  delegation text,
  txn text,
  resources jsonb NOT NULL,
  scopes text[] NOT NULL,
  authorization_details jsonb,
  operation jsonb,
  policy_version integer NOT NULL,
  determining text[] NOT NULL DEFAULT '{}',
  message text,
  request jsonb,
  raised_by text,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  decided_at timestamptz,
  consumed_at timestamptz,
  approver text,
  reason text,
  token_sealed bytea,
  token_until timestamptz,
  PRIMARY KEY (zone, id),
  FOREIGN KEY (zone, application) REFERENCES applications (zone, id)
);
-- A hold is there once while it can still release something.
CREATE UNIQUE INDEX approvals_live ON approvals (zone, binding) WHERE status IN ('pending', 'approved');
CREATE INDEX approvals_binding ON approvals (zone, binding, id);
CREATE INDEX approvals_counted ON approvals (zone, application, session, expires_at) WHERE status IN ('pending', 'denied');
CREATE INDEX approvals_due ON approvals (expires_at) WHERE status IN ('pending', 'approved');
CREATE INDEX approvals_sealed ON approvals (token_until) WHERE token_sealed IS NOT NULL;
CREATE INDEX approvals_age ON approvals (expires_at);

ALTER TABLE approvals ENABLE ROW LEVEL SECURITY;
ALTER TABLE approvals FORCE ROW LEVEL SECURITY;
CREATE POLICY zone_isolation ON approvals USING (zone = nullif(current_setting('caracal.zone', true), ''))
  WITH CHECK (zone = nullif(current_setting('caracal.zone', true), ''));
-- Expiry looks for zones with something due; retention forgets what the ledger has kept long enough.
CREATE POLICY system_read ON approvals FOR SELECT TO caracal_system USING (true);
CREATE POLICY janitor_expired ON approvals TO caracal_janitor USING (expires_at < now() - interval '30 days');

GRANT SELECT, INSERT, UPDATE ON approvals TO caracal_app;
GRANT SELECT ON approvals TO caracal_system;
GRANT SELECT, DELETE ON approvals TO caracal_janitor;
