-- Holds and what they forbid come one after the other; what was left of entries that are gone does not stop those that take their place.

SET LOCAL search_path = caracal, pg_catalog;

-- What is at an index of which the entry was appended in this very transaction is left of an entry that no longer exists: its payload gives way.
-- That entries are gone is for checkpoints to tell, which were signed when they were there.
CREATE OR REPLACE FUNCTION caracal.ledger_personal_add(p_zone text, p_indices bigint[], p_salts bytea[], p_payloads text[], p_subjects text[])
  RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, caracal AS $$
DECLARE
  v_before text := current_setting('caracal.zone', true);
  v_added integer;
BEGIN
  PERFORM set_config('caracal.zone', p_zone, true);
  INSERT INTO caracal.ledger_personal (zone, index, salt, payload, subject)
  SELECT p_zone, n.index, n.salt, n.payload, n.subject
    FROM unnest(p_indices, p_salts, p_payloads, p_subjects) AS n(index, salt, payload, subject)
    JOIN caracal.ledger l ON l.zone = p_zone AND l.index = n.index
   WHERE l.entry::json ->> 'personal' = 'sha256:' || encode(sha256(n.salt || convert_to(n.payload, 'UTF8')), 'hex')
     AND l.xmin = pg_current_xact_id()::xid
  ON CONFLICT ON CONSTRAINT ledger_personal_pkey DO UPDATE
    SET salt = excluded.salt, payload = excluded.payload, subject = excluded.subject, erased_at = NULL;
  GET DIAGNOSTICS v_added = ROW_COUNT;
  IF v_added <> cardinality(p_indices) THEN
    RAISE EXCEPTION 'ledger_personal_add: no entry of this transaction commits to the payload' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM set_config('caracal.zone', coalesce(v_before, ''), true);
END $$;

-- A hold that is being made is waited for, and one that comes now waits: what was answered to be on hold has not been erased meanwhile.
CREATE OR REPLACE FUNCTION caracal.ledger_personal_erase(p_zone text, p_subject text, p_from bigint, p_to bigint, p_now timestamptz)
  RETURNS TABLE (index bigint, held boolean) LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, caracal AS $$
DECLARE
  v_before text := current_setting('caracal.zone', true);
  v_wanted bigint[];
  v_held bigint[];
BEGIN
  LOCK TABLE caracal.ledger_holds IN SHARE MODE;
  PERFORM set_config('caracal.zone', p_zone, true);
  SELECT coalesce(array_agg(w.index), '{}') INTO v_wanted FROM (
    SELECT p.index FROM caracal.ledger_personal p
     WHERE p.zone = p_zone AND p.erased_at IS NULL AND p.index >= p_from AND (p_to IS NULL OR p.index < p_to)
       AND (p_subject IS NULL OR p.subject = p_subject) ORDER BY p.index FOR UPDATE) w;
  SELECT coalesce(array_agg(w.index), '{}') INTO v_held FROM unnest(v_wanted) AS w(index)
   WHERE EXISTS (SELECT FROM caracal.ledger_holds h WHERE h.zone = p_zone AND h.released_at IS NULL
     AND h.from_index <= w.index AND (h.to_index IS NULL OR h.to_index > w.index));
  IF cardinality(v_held) > 0 THEN
    RETURN QUERY SELECT w.index, true FROM unnest(v_held) AS w(index);
  ELSE
    UPDATE caracal.ledger_personal p SET salt = NULL, payload = NULL, subject = NULL, erased_at = p_now
     WHERE p.zone = p_zone AND p.index = ANY (v_wanted);
    RETURN QUERY SELECT w.index, false FROM unnest(v_wanted) AS w(index) ORDER BY w.index;
  END IF;
  PERFORM set_config('caracal.zone', coalesce(v_before, ''), true);
END $$;

-- As above; before the partition, which whoever makes a hold reads after it.
CREATE OR REPLACE FUNCTION caracal.ledger_drop_partition(p_month date) RETURNS TABLE (zone text, from_index bigint, to_index bigint)
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
  LOCK TABLE caracal.ledger_holds IN SHARE MODE;
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
