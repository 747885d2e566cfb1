-- The Merkle log of each zone's ledger: hash tiles, signed checkpoints and the term of the one who signs; exports of the ledger.
-- Everything here is derived from the ledger or says what was signed about it; the append path does not touch it.

SET LOCAL search_path = caracal, pg_catalog;

-- Logs that an acknowledged rollback has ended, oldest first.
ALTER TABLE zones ADD COLUMN log_history jsonb NOT NULL DEFAULT '[]';

-- Who may sign: the holder of the current term. A term is never given out twice.
CREATE TABLE log_term (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  term bigint NOT NULL DEFAULT 0,
  holder uuid,
  leased_until timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO log_term DEFAULT VALUES;

-- Where a zone's tiles end, what was last signed about the tree, and why nothing more is signed.
CREATE TABLE log_trees (
  zone text PRIMARY KEY,
  size bigint NOT NULL DEFAULT 0,
  origin text,
  signed_size bigint,
  root bytea,
  note text,
  fault jsonb
);

CREATE TABLE log_tiles (
  zone text NOT NULL,
  level smallint NOT NULL,
  index bigint NOT NULL,
  hashes bytea NOT NULL CHECK (length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0),
  PRIMARY KEY (zone, level, index)
);

CREATE TABLE log_checkpoints (
  zone text NOT NULL,
  origin text NOT NULL,
  size bigint NOT NULL,
  root bytea NOT NULL,
  note text NOT NULL,
  term bigint NOT NULL,
  signed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (zone, origin, size)
);
CREATE TRIGGER log_checkpoints_no_change BEFORE UPDATE OR DELETE ON log_checkpoints
  FOR EACH ROW EXECUTE FUNCTION caracal.ledger_refuse();
CREATE TRIGGER log_checkpoints_no_truncate BEFORE TRUNCATE ON log_checkpoints
  FOR EACH STATEMENT EXECUTE FUNCTION caracal.ledger_refuse();
ALTER TABLE log_checkpoints ENABLE ALWAYS TRIGGER log_checkpoints_no_change;
ALTER TABLE log_checkpoints ENABLE ALWAYS TRIGGER log_checkpoints_no_truncate;

CREATE TABLE ledger_exports (
  zone text NOT NULL,
  id text PRIMARY KEY,
  status text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'ready', 'failed')),
  from_index bigint NOT NULL CHECK (from_index >= 0),
  to_index bigint NOT NULL CHECK (to_index > from_index),
  scheduled boolean NOT NULL DEFAULT false,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL,
  finished_at timestamptz,
  bytes bigint,
  manifest text,
  reason text
);
CREATE INDEX ledger_exports_zone ON ledger_exports (zone, id);

-- Takes or keeps the right to sign; the term when it is had, else NULL. A lease that has run out costs its holder the term.
CREATE FUNCTION caracal.log_lead(p_holder uuid, p_lease_ms integer) RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, caracal AS $$
DECLARE
  v_lease interval := make_interval(secs => p_lease_ms / 1000.0);
  v_row caracal.log_term%ROWTYPE;
  v_term bigint;
BEGIN
  SELECT * INTO v_row FROM caracal.log_term;
  IF v_row.holder = p_holder AND v_row.leased_until > clock_timestamp() + v_lease / 2 THEN RETURN v_row.term; END IF;
  IF v_row.holder <> p_holder AND v_row.leased_until > clock_timestamp() THEN RETURN NULL; END IF;
  UPDATE caracal.log_term t
     SET term = CASE WHEN t.holder = p_holder AND t.leased_until > clock_timestamp() THEN t.term ELSE t.term + 1 END,
         holder = p_holder, leased_until = clock_timestamp() + v_lease
   WHERE t.holder IS NULL OR t.holder = p_holder OR t.leased_until <= clock_timestamp()
   RETURNING t.term INTO v_term;
  RETURN v_term;
END $$;

-- Gives the right to sign back before its lease ends.
CREATE FUNCTION caracal.log_resign(p_holder uuid) RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, caracal AS $$
  UPDATE caracal.log_term SET leased_until = '-infinity' WHERE holder = p_holder;
$$;

-- Refuses everyone but the holder of the current term, and holds off the next term until the transaction ends.
CREATE FUNCTION caracal.log_fence(p_term bigint) RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, caracal AS $$
BEGIN
  PERFORM 1 FROM caracal.log_term WHERE term = p_term FOR SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the term % is over', p_term USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
END $$;

-- Stores tiles and the checkpoint that covers them; the signature is not released before this has committed. Without a note: tiles alone,
-- on the way to what was signed before.
CREATE FUNCTION caracal.log_publish(
  p_zone text, p_term bigint, p_expected_size bigint, p_size bigint,
  p_levels smallint[], p_indices bigint[], p_hashes bytea[], p_origin text, p_root bytea, p_note text
) RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, caracal AS $$
DECLARE
  v_before text := current_setting('caracal.zone', true);
  v_tree caracal.log_trees%ROWTYPE;
  v_written bigint;
BEGIN
  PERFORM caracal.log_fence(p_term);
  PERFORM set_config('caracal.zone', p_zone, true);
  INSERT INTO caracal.log_trees (zone) VALUES (p_zone) ON CONFLICT DO NOTHING;
  SELECT * INTO v_tree FROM caracal.log_trees t WHERE t.zone = p_zone FOR UPDATE;
  IF v_tree.fault IS NOT NULL THEN
    RAISE EXCEPTION 'the log of % is stopped', p_zone USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  IF v_tree.size <> p_expected_size THEN
    RAISE EXCEPTION 'the tree of % is not where it was extended', p_zone USING ERRCODE = 'serialization_failure';
  END IF;
  IF p_size < v_tree.size OR NOT EXISTS (SELECT FROM caracal.ledger_head h WHERE h.zone = p_zone AND h.next_index >= p_size) THEN
    RAISE EXCEPTION 'the ledger of % does not hold what is to be signed', p_zone USING ERRCODE = 'invalid_parameter_value';
  END IF;
  INSERT INTO caracal.log_tiles AS t (zone, level, index, hashes)
  SELECT p_zone, n.level, n.index, n.hashes FROM unnest(p_levels, p_indices, p_hashes) AS n(level, index, hashes)
  ON CONFLICT (zone, level, index) DO UPDATE SET hashes = EXCLUDED.hashes
    WHERE substring(EXCLUDED.hashes FROM 1 FOR length(t.hashes)) = t.hashes;
  GET DIAGNOSTICS v_written = ROW_COUNT;
  IF v_written <> coalesce(cardinality(p_hashes), 0) THEN
    RAISE EXCEPTION 'a tile of % would not only grow', p_zone USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  UPDATE caracal.log_trees t SET size = p_size WHERE t.zone = p_zone;
  IF p_note IS NOT NULL THEN
    IF length(p_root) <> 32 OR v_tree.origin = p_origin AND v_tree.signed_size >= p_size
       OR NOT EXISTS (SELECT FROM caracal.zones z WHERE z.slug = p_zone AND z.log_origin = p_origin) THEN
      RAISE EXCEPTION 'the checkpoint of % does not follow the last one', p_zone USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO caracal.log_checkpoints (zone, origin, size, root, note, term)
    VALUES (p_zone, p_origin, p_size, p_root, p_note, p_term);
    UPDATE caracal.log_trees t SET origin = p_origin, signed_size = p_size, root = p_root, note = p_note WHERE t.zone = p_zone;
  END IF;
  PERFORM set_config('caracal.zone', coalesce(v_before, ''), true);
END $$;

-- Forgets the tiles, which are made again from the leaves.
CREATE FUNCTION caracal.log_rebuild(p_zone text, p_term bigint) RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, caracal AS $$
DECLARE v_before text := current_setting('caracal.zone', true);
BEGIN
  PERFORM caracal.log_fence(p_term);
  PERFORM set_config('caracal.zone', p_zone, true);
  DELETE FROM caracal.log_tiles t WHERE t.zone = p_zone;
  UPDATE caracal.log_trees t SET size = 0 WHERE t.zone = p_zone;
  PERFORM set_config('caracal.zone', coalesce(v_before, ''), true);
END $$;

-- Stops the log: what the database holds is not what was signed. Only an administrator lets it go on.
CREATE FUNCTION caracal.log_stop(p_zone text, p_fault jsonb) RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, caracal AS $$
DECLARE v_before text := current_setting('caracal.zone', true);
BEGIN
  PERFORM set_config('caracal.zone', p_zone, true);
  INSERT INTO caracal.log_trees AS t (zone, fault) VALUES (p_zone, p_fault)
  ON CONFLICT (zone) DO UPDATE SET fault = EXCLUDED.fault WHERE t.fault IS NULL;
  PERFORM set_config('caracal.zone', coalesce(v_before, ''), true);
END $$;

-- After an acknowledged rollback: the log goes on under its new origin, over the ledger as it is. Tiles are made again while every leaf is there.
CREATE FUNCTION caracal.log_resume(p_zone text) RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, caracal AS $$
DECLARE v_before text := current_setting('caracal.zone', true);
BEGIN
  PERFORM set_config('caracal.zone', p_zone, true);
  UPDATE caracal.log_trees t SET fault = NULL WHERE t.zone = p_zone;
  IF EXISTS (SELECT FROM caracal.ledger l WHERE l.zone = p_zone AND l.index = 0) THEN
    DELETE FROM caracal.log_tiles t WHERE t.zone = p_zone;
    UPDATE caracal.log_trees t SET size = 0 WHERE t.zone = p_zone;
  END IF;
  PERFORM set_config('caracal.zone', coalesce(v_before, ''), true);
END $$;

-- Names a log that is older than the server's address, once.
CREATE FUNCTION caracal.log_name(p_zone text, p_origin text, p_vkey text) RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, caracal AS $$
  UPDATE caracal.zones SET log_origin = p_origin, log_vkey = p_vkey WHERE slug = p_zone AND log_origin = '';
$$;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['log_trees', 'log_tiles', 'log_checkpoints', 'ledger_exports'] LOOP
    EXECUTE format('ALTER TABLE caracal.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE caracal.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY zone_isolation ON caracal.%I USING (zone = nullif(current_setting(''caracal.zone'', true), '''')) WITH CHECK (zone = nullif(current_setting(''caracal.zone'', true), ''''))', t);
    EXECUTE format('CREATE POLICY system_read ON caracal.%I FOR SELECT TO caracal_system USING (true)', t);
  END LOOP;
END $$;
ALTER TABLE log_term ENABLE ROW LEVEL SECURITY;
ALTER TABLE log_term FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_only ON log_term TO caracal_owner USING (true) WITH CHECK (true);

REVOKE EXECUTE ON FUNCTION caracal.log_lead(uuid, integer), caracal.log_resign(uuid), caracal.log_fence(bigint),
  caracal.log_publish(text, bigint, bigint, bigint, smallint[], bigint[], bytea[], text, bytea, text),
  caracal.log_rebuild(text, bigint), caracal.log_stop(text, jsonb), caracal.log_resume(text), caracal.log_name(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION caracal.log_lead(uuid, integer), caracal.log_resign(uuid),
  caracal.log_publish(text, bigint, bigint, bigint, smallint[], bigint[], bytea[], text, bytea, text),
  caracal.log_rebuild(text, bigint), caracal.log_stop(text, jsonb), caracal.log_name(text, text, text) TO caracal_system;
GRANT EXECUTE ON FUNCTION caracal.log_resume(text) TO caracal_app;
GRANT SELECT ON log_trees, log_tiles, log_checkpoints TO caracal_auditor, caracal_system;
GRANT SELECT ON log_trees TO caracal_app;
GRANT SELECT, INSERT, UPDATE ON ledger_exports TO caracal_app;
GRANT SELECT ON ledger_exports TO caracal_system;
