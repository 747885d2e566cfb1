-- Checkpoints are thinned as they grow old, by a rule that the table itself enforces; webhooks are told of them.

SET LOCAL search_path = caracal, pg_catalog;

-- A checkpoint may go when it is older than a day and a larger one of its hour stays, or, after thirty days, of its day; never while an export or a
-- tombstone rests on it. So the last of each log stays, and whatever was signed is under one that is kept.
CREATE FUNCTION caracal.log_checkpoint_spent() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, caracal AS $$
DECLARE v_unit text := CASE WHEN OLD.signed_at > now() - interval '30 days' THEN 'hour' ELSE 'day' END;
BEGIN
  IF OLD.signed_at > now() - interval '1 day'
     OR NOT EXISTS (SELECT FROM caracal.log_checkpoints c WHERE c.zone = OLD.zone AND c.origin = OLD.origin AND c.size > OLD.size
       AND date_trunc(v_unit, c.signed_at, 'UTC') = date_trunc(v_unit, OLD.signed_at, 'UTC'))
     OR EXISTS (SELECT FROM caracal.ledger_tombstones t WHERE t.zone = OLD.zone AND t.checkpoint = OLD.note)
     OR EXISTS (SELECT FROM caracal.ledger_exports e WHERE e.zone = OLD.zone AND e.manifest::json ->> 'checkpoint' = OLD.note) THEN
    RAISE EXCEPTION 'the checkpoint is kept' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN OLD;
END $$;

DROP TRIGGER log_checkpoints_no_change ON log_checkpoints;
CREATE TRIGGER log_checkpoints_no_change BEFORE UPDATE ON log_checkpoints
  FOR EACH ROW EXECUTE FUNCTION caracal.ledger_refuse();
CREATE TRIGGER log_checkpoints_spent BEFORE DELETE ON log_checkpoints
  FOR EACH ROW EXECUTE FUNCTION caracal.log_checkpoint_spent();
ALTER TABLE log_checkpoints ENABLE ALWAYS TRIGGER log_checkpoints_no_change;
ALTER TABLE log_checkpoints ENABLE ALWAYS TRIGGER log_checkpoints_spent;

-- Removes at most p_limit checkpoints of each zone that may go; answers how many.
CREATE FUNCTION caracal.log_thin(p_limit integer) RETURNS integer LANGUAGE plpgsql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, caracal AS $$
DECLARE
  v_before text := current_setting('caracal.zone', true);
  v_zone text;
  v_gone integer;
  v_all integer := 0;
BEGIN
  FOR v_zone IN SELECT z.slug FROM caracal.zones z ORDER BY z.slug LOOP
    PERFORM set_config('caracal.zone', v_zone, true);
    DELETE FROM caracal.log_checkpoints c USING (
      SELECT k.origin, k.size FROM (
        SELECT x.origin, x.size, x.note, row_number() OVER (
          PARTITION BY x.origin, x.signed_at > now() - interval '30 days',
            date_trunc(CASE WHEN x.signed_at > now() - interval '30 days' THEN 'hour' ELSE 'day' END, x.signed_at, 'UTC')
          ORDER BY x.size DESC) AS place
          FROM caracal.log_checkpoints x WHERE x.zone = v_zone AND x.signed_at <= now() - interval '1 day') k
      WHERE k.place > 1
        AND NOT EXISTS (SELECT FROM caracal.ledger_tombstones t WHERE t.zone = v_zone AND t.checkpoint = k.note)
        AND NOT EXISTS (SELECT FROM caracal.ledger_exports e WHERE e.zone = v_zone AND e.manifest::json ->> 'checkpoint' = k.note)
      ORDER BY k.size LIMIT p_limit) d
     WHERE c.zone = v_zone AND c.origin = d.origin AND c.size = d.size;
    GET DIAGNOSTICS v_gone = ROW_COUNT;
    v_all := v_all + v_gone;
  END LOOP;
  PERFORM set_config('caracal.zone', coalesce(v_before, ''), true);
  RETURN v_all;
END $$;

REVOKE EXECUTE ON FUNCTION caracal.log_checkpoint_spent(), caracal.log_thin(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION caracal.log_thin(integer) TO caracal_janitor;

-- The last checkpoint of each zone that a webhook was told of.
CREATE TABLE webhook_anchors (
  zone text NOT NULL REFERENCES zones (slug),
  webhook text NOT NULL,
  about text NOT NULL REFERENCES zones (slug),
  origin text NOT NULL,
  size bigint NOT NULL,
  told_at timestamptz NOT NULL,
  PRIMARY KEY (zone, webhook, about)
);
ALTER TABLE webhook_anchors ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_anchors FORCE ROW LEVEL SECURITY;
CREATE POLICY zone_isolation ON webhook_anchors USING (zone = nullif(current_setting('caracal.zone', true), ''))
  WITH CHECK (zone = nullif(current_setting('caracal.zone', true), ''));
CREATE POLICY system_anchors ON webhook_anchors TO caracal_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON webhook_anchors TO caracal_system;
