-- Policies, their sets, and every scope a zone has ever declared (the strict schema knows them all, so that withdrawing a scope
-- never invalidates the active set).
SET LOCAL search_path = caracal, pg_catalog;

CREATE TABLE policies (
  zone text NOT NULL REFERENCES zones (slug),
  id text NOT NULL,
  name text NOT NULL,
  version integer NOT NULL,
  cedar text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  created_by text NOT NULL,
  PRIMARY KEY (zone, id),
  UNIQUE (zone, name, version)
);

CREATE TABLE policy_sets (
  zone text NOT NULL REFERENCES zones (slug),
  version integer NOT NULL,
  status text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'active', 'superseded')),
  policies text[] NOT NULL,
  tests jsonb NOT NULL DEFAULT '[]',
  previous integer,
  created_at timestamptz NOT NULL DEFAULT now(),
  created_by text NOT NULL,
  activated_at timestamptz,
  activated_by text,
  PRIMARY KEY (zone, version)
);
CREATE UNIQUE INDEX policy_sets_one_active ON policy_sets (zone) WHERE status = 'active';

CREATE TABLE declared_scopes (
  zone text NOT NULL REFERENCES zones (slug),
  scope text NOT NULL,
  PRIMARY KEY (zone, scope)
);

-- As the writer of the resource, under its row-level security.
CREATE FUNCTION caracal.remember_scopes() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, caracal AS $$
BEGIN
  INSERT INTO caracal.declared_scopes (zone, scope)
  SELECT NEW.zone, s ->> 'name' FROM jsonb_array_elements(NEW.scopes) AS s
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION caracal.remember_scopes() FROM PUBLIC;
CREATE TRIGGER resources_remember_scopes AFTER INSERT OR UPDATE OF scopes ON resources
  FOR EACH ROW EXECUTE FUNCTION caracal.remember_scopes();

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['policies', 'policy_sets', 'declared_scopes'] LOOP
    EXECUTE format('ALTER TABLE caracal.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE caracal.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY zone_isolation ON caracal.%I USING (zone = nullif(current_setting(''caracal.zone'', true), '''')) WITH CHECK (zone = nullif(current_setting(''caracal.zone'', true), ''''))', t);
  END LOOP;
END $$;

GRANT SELECT, INSERT ON policies, declared_scopes TO caracal_app;
GRANT SELECT, INSERT, UPDATE ON policy_sets TO caracal_app;
