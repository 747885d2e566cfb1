-- Every argument that an operation of a zone has ever declared, so that policies that read it stay valid when it is withdrawn.
SET LOCAL search_path = caracal, pg_catalog;

CREATE TABLE declared_arguments (
  zone text NOT NULL REFERENCES zones (slug),
  name text NOT NULL,
  type text NOT NULL CHECK (type IN ('string', 'integer', 'boolean')),
  PRIMARY KEY (zone, name, type)
);

-- As the writer of the resource, under its row-level security.
CREATE FUNCTION caracal.remember_arguments() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, caracal AS $$
BEGIN
  INSERT INTO caracal.declared_arguments (zone, name, type)
  SELECT DISTINCT NEW.zone, a.key, a.value ->> 'type'
  FROM jsonb_array_elements(NEW.operations) AS o CROSS JOIN LATERAL jsonb_each(o -> 'args') AS a
  WHERE jsonb_typeof(o -> 'args') = 'object' AND a.value ->> 'type' IN ('string', 'integer', 'boolean')
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION caracal.remember_arguments() FROM PUBLIC;
CREATE TRIGGER resources_remember_arguments AFTER INSERT OR UPDATE OF operations ON resources
  FOR EACH ROW EXECUTE FUNCTION caracal.remember_arguments();

ALTER TABLE declared_arguments ENABLE ROW LEVEL SECURITY;
ALTER TABLE declared_arguments FORCE ROW LEVEL SECURITY;
CREATE POLICY zone_isolation ON declared_arguments
  USING (zone = nullif(current_setting('caracal.zone', true), ''))
  WITH CHECK (zone = nullif(current_setting('caracal.zone', true), ''));
GRANT SELECT, INSERT ON declared_arguments TO caracal_app;
