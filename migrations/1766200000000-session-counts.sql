-- How many sessions are open, in a zone, of an application and below a session: whoever starts one reads three rows instead of counting all of them.
-- Triggers keep the counts in the transaction of the change itself, whatever ends a session and whichever version of the server does it.

SET LOCAL search_path = caracal, pg_catalog;

CREATE TABLE session_counts (
  zone text NOT NULL REFERENCES zones (slug),
  -- '' for the zone, the id of an application, or the id of a session for its children.
  scope text NOT NULL,
  open integer NOT NULL,
  PRIMARY KEY (zone, scope)
) WITH (fillfactor = 50);

ALTER TABLE session_counts ENABLE ROW LEVEL SECURITY;
ALTER TABLE session_counts FORCE ROW LEVEL SECURITY;
CREATE POLICY zone_isolation ON session_counts
  USING (zone = nullif(current_setting('caracal.zone', true), ''))
  WITH CHECK (zone = nullif(current_setting('caracal.zone', true), ''));
GRANT SELECT ON session_counts TO caracal_app;

-- Nobody else writes counts. A count that is wrong must never keep a session from ending, so it stops at nothing.
CREATE FUNCTION caracal.session_count(p_zone text, p_scope text, p_by integer) RETURNS void
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, caracal AS $$
  INSERT INTO caracal.session_counts AS c (zone, scope, open) VALUES (p_zone, p_scope, greatest(p_by, 0))
  ON CONFLICT (zone, scope) DO UPDATE SET open = greatest(c.open + p_by, 0);
$$;

CREATE FUNCTION caracal.session_counted() RETURNS trigger
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, caracal AS $$
DECLARE
  v_row caracal.sessions;
  v_by integer;
  v_before text := current_setting('caracal.zone', true);
BEGIN
  IF TG_OP = 'DELETE' THEN v_row := OLD; ELSE v_row := NEW; END IF;
  IF TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND NEW.status IN ('active', 'suspended')) THEN v_by := 1; ELSE v_by := -1; END IF;
  PERFORM set_config('caracal.zone', v_row.zone, true);
  PERFORM caracal.session_count(v_row.zone, '', v_by);
  PERFORM caracal.session_count(v_row.zone, v_row.application, v_by);
  IF v_row.parent IS NOT NULL THEN
    PERFORM caracal.session_count(v_row.zone, v_row.parent, v_by);
  END IF;
  -- Nothing of a session that is over stays behind.
  IF v_by < 0 THEN
    DELETE FROM caracal.session_counts c WHERE c.zone = v_row.zone AND c.scope IN (v_row.parent, v_row.id) AND c.open = 0;
  END IF;
  PERFORM set_config('caracal.zone', coalesce(v_before, ''), true);
  RETURN NULL;
END $$;

REVOKE EXECUTE ON FUNCTION caracal.session_count(text, text, integer), caracal.session_counted() FROM PUBLIC;

CREATE TRIGGER session_counted_in AFTER INSERT ON sessions FOR EACH ROW
  WHEN (NEW.status IN ('active', 'suspended')) EXECUTE FUNCTION caracal.session_counted();
CREATE TRIGGER session_counted_over AFTER UPDATE OF status ON sessions FOR EACH ROW
  WHEN ((OLD.status IN ('active', 'suspended')) <> (NEW.status IN ('active', 'suspended'))) EXECUTE FUNCTION caracal.session_counted();
CREATE TRIGGER session_counted_out AFTER DELETE ON sessions FOR EACH ROW
  WHEN (OLD.status IN ('active', 'suspended')) EXECUTE FUNCTION caracal.session_counted();

-- The triggers' lock lets nobody change sessions until this has been committed, so what is counted here is all there is before them.
DO $$
DECLARE v_zone text;
BEGIN
  FOR v_zone IN SELECT slug FROM caracal.zones LOOP
    PERFORM set_config('caracal.zone', v_zone, true);
    INSERT INTO caracal.session_counts (zone, scope, open)
      SELECT v_zone, o.scope, count(*) FROM caracal.sessions s
        CROSS JOIN LATERAL (VALUES (''), (s.application), (s.parent)) AS o (scope)
       WHERE s.zone = v_zone AND s.status IN ('active', 'suspended') AND o.scope IS NOT NULL GROUP BY o.scope;
  END LOOP;
  PERFORM set_config('caracal.zone', '', true);
END $$;

-- Whether anything that died is still to be written down: only then can fewer sessions live than are open.
CREATE INDEX outbox_settle_open ON outbox (zone) WHERE name = 'settle' AND done_at IS NULL;
