-- Retention of the ledger: how long each zone keeps its own, what is on hold, and what is left of what was dropped.

SET LOCAL search_path = caracal, pg_catalog;

CREATE TABLE ledger_retention (
  zone text PRIMARY KEY REFERENCES zones (slug),
  days integer NOT NULL CHECK (days BETWEEN 30 AND 3650),
  updated_at timestamptz NOT NULL
);

CREATE TABLE ledger_holds (
  zone text NOT NULL REFERENCES zones (slug),
  id text NOT NULL,
  from_index bigint NOT NULL DEFAULT 0 CHECK (from_index >= 0),
  to_index bigint CHECK (to_index > from_index),
  reason text NOT NULL,
  created_at timestamptz NOT NULL,
  created_by text NOT NULL,
  released_at timestamptz,
  release_reason text,
  PRIMARY KEY (zone, id)
);

-- What stands in for entries that were dropped: where the chain goes on, the checkpoint that covered them and the export that holds them.
CREATE TABLE ledger_tombstones (
  zone text NOT NULL REFERENCES zones (slug),
  from_index bigint NOT NULL,
  to_index bigint NOT NULL CHECK (to_index > from_index),
  chain_mac bytea NOT NULL,
  ingested_at timestamptz NOT NULL,
  checkpoint text NOT NULL,
  export text NOT NULL,
  dropped_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (zone, to_index)
);
CREATE TRIGGER ledger_tombstones_no_change BEFORE UPDATE OR DELETE ON ledger_tombstones
  FOR EACH ROW EXECUTE FUNCTION caracal.ledger_refuse();
CREATE TRIGGER ledger_tombstones_no_truncate BEFORE TRUNCATE ON ledger_tombstones
  FOR EACH STATEMENT EXECUTE FUNCTION caracal.ledger_refuse();
ALTER TABLE ledger_tombstones ENABLE ALWAYS TRIGGER ledger_tombstones_no_change;
ALTER TABLE ledger_tombstones ENABLE ALWAYS TRIGGER ledger_tombstones_no_truncate;

-- Each zone's part of a month's partition, and why it must be kept: undefined when nothing keeps it. Nobody keeps less than thirty days.
CREATE FUNCTION caracal.ledger_partition_parts(p_month date)
RETURNS TABLE (zone text, from_index bigint, to_index bigint, kept_by text, checkpoint text, export text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, caracal AS $$
DECLARE
  v_before text := current_setting('caracal.zone', true);
  v_start date := date_trunc('month', p_month)::date;
  v_name text := 'ledger_' || to_char(v_start, 'YYYY_MM');
  v_end timestamptz := (v_start + interval '1 month')::timestamp AT TIME ZONE 'UTC';
  v_zone text;
  v_days integer;
BEGIN
  IF to_regclass('caracal_ledger.' || quote_ident(v_name)) IS NULL THEN RETURN; END IF;
  FOR v_zone IN SELECT z.slug FROM caracal.zones z ORDER BY z.slug LOOP
    PERFORM set_config('caracal.zone', v_zone, true);
    -- Through the parent, whose policies apply: a partition by itself shows nothing to anyone.
    SELECT min(l.index), max(l.index) + 1 INTO from_index, to_index FROM caracal.ledger l
     WHERE l.zone = v_zone AND l.ingested_at >= v_start::timestamp AT TIME ZONE 'UTC' AND l.ingested_at < v_end;
    CONTINUE WHEN to_index IS NULL;
    zone := v_zone;
    SELECT r.days INTO v_days FROM caracal.ledger_retention r WHERE r.zone = v_zone;
    SELECT c.note INTO checkpoint FROM caracal.log_checkpoints c JOIN caracal.zones z ON z.slug = c.zone AND z.log_origin = c.origin
      WHERE c.zone = v_zone AND c.size >= to_index ORDER BY c.size LIMIT 1;
    SELECT e.id INTO export FROM caracal.ledger_exports e
      WHERE e.zone = v_zone AND e.status = 'ready' AND e.from_index <= ledger_partition_parts.from_index AND e.to_index >= ledger_partition_parts.to_index
      ORDER BY e.created_at LIMIT 1;
    kept_by := CASE
      WHEN v_end > now() - make_interval(days => greatest(30, coalesce(v_days, 365))) THEN 'not_due'
      WHEN EXISTS (SELECT FROM caracal.ledger_holds h WHERE h.zone = v_zone AND h.released_at IS NULL
        AND h.from_index < ledger_partition_parts.to_index AND coalesce(h.to_index, ledger_partition_parts.to_index) > ledger_partition_parts.from_index) THEN 'hold'
      WHEN from_index <> coalesce((SELECT max(t.to_index) FROM caracal.ledger_tombstones t WHERE t.zone = v_zone), 0) THEN 'not_oldest'
      WHEN checkpoint IS NULL THEN 'not_signed'
      WHEN export IS NULL THEN 'not_exported'
    END;
    RETURN NEXT;
  END LOOP;
  PERFORM set_config('caracal.zone', coalesce(v_before, ''), true);
END $$;

-- Drops a month's partition and leaves a tombstone in each zone. Refuses while anything keeps any part of it.
CREATE FUNCTION caracal.ledger_drop_partition(p_month date) RETURNS TABLE (zone text, from_index bigint, to_index bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, caracal AS $$
DECLARE
  v_before text := current_setting('caracal.zone', true);
  v_name text := 'ledger_' || to_char(date_trunc('month', p_month), 'YYYY_MM');
  v_part record;
  v_last record;
  v_known bigint := 0;
  v_rows bigint;
BEGIN
  IF to_regclass('caracal_ledger.' || quote_ident(v_name)) IS NULL THEN RETURN; END IF;
  EXECUTE format('LOCK TABLE caracal_ledger.%I IN ACCESS EXCLUSIVE MODE', v_name);
  IF (date_trunc('month', p_month) + interval '1 month')::timestamp AT TIME ZONE 'UTC' > now() - interval '30 days' THEN
    RAISE EXCEPTION 'the partition % is not due', v_name USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  FOR v_part IN SELECT * FROM caracal.ledger_partition_parts(p_month) LOOP
    IF v_part.kept_by IS NOT NULL THEN
      RAISE EXCEPTION 'the partition % is kept: %', v_name, v_part.kept_by USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    PERFORM set_config('caracal.zone', v_part.zone, true);
    SELECT l.chain_mac, l.ingested_at INTO STRICT v_last FROM caracal.ledger l WHERE l.zone = v_part.zone AND l.index = v_part.to_index - 1;
    v_known := v_known + v_part.to_index - v_part.from_index;
    INSERT INTO caracal.ledger_tombstones (zone, from_index, to_index, chain_mac, ingested_at, checkpoint, export)
    VALUES (v_part.zone, v_part.from_index, v_part.to_index, v_last.chain_mac, v_last.ingested_at, v_part.checkpoint, v_part.export);
    zone := v_part.zone; from_index := v_part.from_index; to_index := v_part.to_index;
    RETURN NEXT;
  END LOOP;
  -- Every row must be one that was accounted for, whatever zone it says it is of.
  EXECUTE format('ALTER TABLE caracal_ledger.%I NO FORCE ROW LEVEL SECURITY', v_name);
  EXECUTE format('SELECT count(*) FROM caracal_ledger.%I', v_name) INTO v_rows;
  IF v_rows <> v_known THEN
    RAISE EXCEPTION 'the partition % holds % entries, % are accounted for', v_name, v_rows, v_known USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  EXECUTE format('DROP TABLE caracal_ledger.%I', v_name);
  PERFORM set_config('caracal.zone', coalesce(v_before, ''), true);
END $$;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['ledger_retention', 'ledger_holds', 'ledger_tombstones'] LOOP
    EXECUTE format('ALTER TABLE caracal.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE caracal.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY zone_isolation ON caracal.%I USING (zone = nullif(current_setting(''caracal.zone'', true), '''')) WITH CHECK (zone = nullif(current_setting(''caracal.zone'', true), ''''))', t);
  END LOOP;
END $$;

REVOKE EXECUTE ON FUNCTION caracal.ledger_partition_parts(date), caracal.ledger_drop_partition(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION caracal.ledger_partition_parts(date), caracal.ledger_drop_partition(date) TO caracal_janitor;
GRANT SELECT, INSERT, UPDATE ON ledger_retention, ledger_holds TO caracal_app;
GRANT SELECT ON ledger_tombstones TO caracal_app, caracal_auditor;
