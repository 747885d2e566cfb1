-- A drop is announced in the ledger before it happens, and its end is told after; what was announced last, and how that ended, is kept here, so
-- that a process that dies in between leaves nothing unsaid.

SET LOCAL search_path = caracal, pg_catalog;

CREATE TABLE ledger_drops (
  zone text NOT NULL REFERENCES zones (slug),
  month date NOT NULL,
  from_index bigint NOT NULL,
  to_index bigint NOT NULL CHECK (to_index > from_index),
  state text NOT NULL DEFAULT 'announced' CHECK (state IN ('announced', 'dropped', 'withheld')),
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (zone, month)
);
CREATE INDEX ledger_drops_announced ON ledger_drops (zone) WHERE state = 'announced';

ALTER TABLE ledger_drops ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_drops FORCE ROW LEVEL SECURITY;
CREATE POLICY zone_isolation ON ledger_drops USING (zone = nullif(current_setting('caracal.zone', true), ''))
  WITH CHECK (zone = nullif(current_setting('caracal.zone', true), ''));
CREATE POLICY system_read ON ledger_drops FOR SELECT TO caracal_system USING (true);
GRANT SELECT, INSERT, UPDATE ON ledger_drops TO caracal_app;
GRANT SELECT ON ledger_drops TO caracal_system;

-- As before, and what is being exported is kept until that has ended.
CREATE OR REPLACE FUNCTION caracal.ledger_partition_parts(p_month date)
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
      WHEN EXISTS (SELECT FROM caracal.ledger_exports e WHERE e.zone = v_zone AND e.status = 'running'
        AND e.from_index < ledger_partition_parts.to_index AND e.to_index > ledger_partition_parts.from_index) THEN 'exporting'
    END;
    RETURN NEXT;
  END LOOP;
  PERFORM set_config('caracal.zone', coalesce(v_before, ''), true);
END $$;

-- How many rows a month's partition was counted to hold. Nothing adds to a month that has ended, so a count stays right.
CREATE TABLE ledger_accounts (
  month date PRIMARY KEY,
  rows bigint NOT NULL,
  counted_at timestamptz NOT NULL DEFAULT now()
);

-- Counts every row of a partition, whatever zone it says it is of. Row-level security is off for the owner while it counts, in a transaction of its own:
-- readers of the ledger wait for it, appends do not.
CREATE FUNCTION caracal.ledger_account_partition(p_month date) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, caracal SET lock_timeout = '1s' AS $$
DECLARE
  v_name text := 'ledger_' || to_char(date_trunc('month', p_month), 'YYYY_MM');
  v_rows bigint;
BEGIN
  IF to_regclass('caracal_ledger.' || quote_ident(v_name)) IS NULL THEN RETURN; END IF;
  IF (date_trunc('month', p_month) + interval '1 month')::timestamp AT TIME ZONE 'UTC' > now() - interval '30 days' THEN
    RAISE EXCEPTION 'the partition % is not due', v_name USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  EXECUTE format('ALTER TABLE caracal_ledger.%I NO FORCE ROW LEVEL SECURITY', v_name);
  EXECUTE format('SELECT count(*) FROM caracal_ledger.%I', v_name) INTO v_rows;
  EXECUTE format('ALTER TABLE caracal_ledger.%I FORCE ROW LEVEL SECURITY', v_name);
  INSERT INTO caracal.ledger_accounts (month, rows) VALUES (date_trunc('month', p_month)::date, v_rows)
  ON CONFLICT ON CONSTRAINT ledger_accounts_pkey DO UPDATE SET rows = excluded.rows, counted_at = now();
END $$;

-- As before, but drops come one after the other, holds, exports and retentions after them; and whoever reads the ledger (a backup, a verifier) is waited
-- for no longer than a second, as everybody else waits meanwhile. The ledger is locked before its partition, as readers lock them, and when nothing is
-- left to do but to drop.
CREATE OR REPLACE FUNCTION caracal.ledger_drop_partition(p_month date) RETURNS TABLE (zone text, from_index bigint, to_index bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, caracal SET lock_timeout = '1s' AS $$
DECLARE
  v_before text := current_setting('caracal.zone', true);
  v_month date := date_trunc('month', p_month)::date;
  v_name text := 'ledger_' || to_char(v_month, 'YYYY_MM');
  v_part record;
  v_last record;
  v_known bigint := 0;
  v_rows bigint;
BEGIN
  LOCK TABLE caracal.ledger_holds IN SHARE ROW EXCLUSIVE MODE;
  LOCK TABLE caracal.ledger_exports, caracal.ledger_retention IN SHARE MODE;
  IF to_regclass('caracal_ledger.' || quote_ident(v_name)) IS NULL THEN RETURN; END IF;
  IF (v_month + interval '1 month')::timestamp AT TIME ZONE 'UTC' > now() - interval '30 days' THEN
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
  DELETE FROM caracal.ledger_accounts a WHERE a.month = v_month RETURNING a.rows INTO v_rows;
  IF v_rows IS DISTINCT FROM v_known THEN
    RAISE EXCEPTION 'the partition % holds % entries, % are accounted for', v_name, v_rows, v_known USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  LOCK TABLE ONLY caracal.ledger IN ACCESS EXCLUSIVE MODE;
  EXECUTE format('DROP TABLE caracal_ledger.%I', v_name);
  PERFORM set_config('caracal.zone', coalesce(v_before, ''), true);
END $$;

REVOKE EXECUTE ON FUNCTION caracal.ledger_account_partition(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION caracal.ledger_account_partition(date) TO caracal_janitor;
