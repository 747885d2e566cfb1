-- OpenID providers whose users a zone accepts as subjects. Their users are `user:<id>:<sub>`, so an id is never given to another issuer.

SET LOCAL search_path = caracal, pg_catalog;

CREATE TABLE subject_issuers (
  zone text NOT NULL REFERENCES zones (slug),
  id text NOT NULL,
  issuer text NOT NULL,
  audience text NOT NULL,
  algorithms text[] NOT NULL,
  subject_claim text NOT NULL,
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'archived')),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz,
  version integer NOT NULL DEFAULT 1,
  PRIMARY KEY (zone, id)
);
CREATE UNIQUE INDEX subject_issuers_issuer ON subject_issuers (zone, issuer) WHERE status = 'active';

ALTER TABLE subject_issuers ENABLE ROW LEVEL SECURITY;
ALTER TABLE subject_issuers FORCE ROW LEVEL SECURITY;
CREATE POLICY zone_isolation ON subject_issuers USING (zone = nullif(current_setting('caracal.zone', true), ''))
  WITH CHECK (zone = nullif(current_setting('caracal.zone', true), ''));
GRANT SELECT, INSERT, UPDATE ON subject_issuers TO caracal_app;
