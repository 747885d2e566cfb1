-- Personal payload of ledger entries, which may have to be erased: kept beside the ledger, while the entry holds a salted commitment to it.

SET LOCAL search_path = caracal, pg_catalog;

-- An erased row stays, without its payload: it says that there was one, and when it went.
CREATE TABLE ledger_personal (
  zone text NOT NULL REFERENCES zones (slug),
  index bigint NOT NULL,
  subject text,
  salt bytea CHECK (length(salt) = 32),
  payload text CHECK (octet_length(payload) <= 65536),
  erased_at timestamptz,
  PRIMARY KEY (zone, index),
  CHECK ((salt IS NULL) = (erased_at IS NOT NULL) AND (payload IS NULL) = (erased_at IS NOT NULL))
);
CREATE INDEX ledger_personal_subject ON ledger_personal (zone, subject) WHERE subject IS NOT NULL;

ALTER TABLE ledger_personal ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_personal FORCE ROW LEVEL SECURITY;
CREATE POLICY zone_isolation ON ledger_personal USING (zone = nullif(current_setting('caracal.zone', true), ''))
  WITH CHECK (zone = nullif(current_setting('caracal.zone', true), ''));

-- Stores the payload of entries of this very transaction; refuses what they did not commit to.
CREATE FUNCTION caracal.ledger_personal_add(p_zone text, p_indices bigint[], p_salts bytea[], p_payloads text[], p_subjects text[])
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
     AND l.xmin = pg_current_xact_id()::xid;
  GET DIAGNOSTICS v_added = ROW_COUNT;
  IF v_added <> cardinality(p_indices) THEN
    RAISE EXCEPTION 'ledger_personal_add: no entry of this transaction commits to the payload' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM set_config('caracal.zone', coalesce(v_before, ''), true);
END $$;

-- Erases the payload of a range of entries, of one subject when one is named, and answers which. While any of them is on hold nothing is
-- erased, and those are answered.
CREATE FUNCTION caracal.ledger_personal_erase(p_zone text, p_subject text, p_from bigint, p_to bigint, p_now timestamptz)
  RETURNS TABLE (index bigint, held boolean) LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, caracal AS $$
DECLARE
  v_before text := current_setting('caracal.zone', true);
  v_wanted bigint[];
  v_held bigint[];
BEGIN
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

-- Forgets the payload of entries that retention has dropped.
CREATE FUNCTION caracal.ledger_personal_forget() RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, caracal AS $$
DECLARE
  v_before text := current_setting('caracal.zone', true);
  v_zone text;
BEGIN
  FOR v_zone IN SELECT z.slug FROM caracal.zones z ORDER BY z.slug LOOP
    PERFORM set_config('caracal.zone', v_zone, true);
    DELETE FROM caracal.ledger_personal p
     WHERE p.zone = v_zone AND p.index < (SELECT max(t.to_index) FROM caracal.ledger_tombstones t WHERE t.zone = v_zone);
  END LOOP;
  PERFORM set_config('caracal.zone', coalesce(v_before, ''), true);
END $$;

REVOKE EXECUTE ON FUNCTION caracal.ledger_personal_add(text, bigint[], bytea[], text[], text[]),
  caracal.ledger_personal_erase(text, text, bigint, bigint, timestamptz), caracal.ledger_personal_forget() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION caracal.ledger_personal_add(text, bigint[], bytea[], text[], text[]) TO caracal_audit, caracal_app;
GRANT EXECUTE ON FUNCTION caracal.ledger_personal_erase(text, text, bigint, bigint, timestamptz) TO caracal_app;
GRANT EXECUTE ON FUNCTION caracal.ledger_personal_forget() TO caracal_janitor;
GRANT SELECT ON ledger_personal TO caracal_auditor;
