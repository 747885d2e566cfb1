-- Calls that were let through and whose end the ledger does not know yet: found by following the ledger, closed as `unknown` when they are overdue.
-- The append path does not touch these tables.

SET LOCAL search_path = caracal, pg_catalog;

-- How far each ledger was followed.
CREATE TABLE call_watermarks (
  zone text PRIMARY KEY REFERENCES zones (slug),
  next_index bigint NOT NULL CHECK (next_index >= 0)
);

-- By the index of the decision that let the call through. Closed rows stay: an outcome that arrives later must find that it is late.
CREATE TABLE open_calls (
  zone text NOT NULL REFERENCES zones (slug),
  index bigint NOT NULL,
  due_at timestamptz NOT NULL,
  closed_at timestamptz,
  PRIMARY KEY (zone, index)
);
CREATE INDEX open_calls_due ON open_calls (due_at) WHERE closed_at IS NULL;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['call_watermarks', 'open_calls'] LOOP
    EXECUTE format('ALTER TABLE caracal.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE caracal.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY zone_isolation ON caracal.%I USING (zone = nullif(current_setting(''caracal.zone'', true), '''')) WITH CHECK (zone = nullif(current_setting(''caracal.zone'', true), ''''))', t);
    EXECUTE format('CREATE POLICY system_read ON caracal.%I FOR SELECT TO caracal_system USING (true)', t);
  END LOOP;
END $$;

-- Follows the ledger by at most p_limit entries and answers by how many; 0 at its end, and when somebody else is following it.
-- A call's time is that of its mandate, or of the resource's total limit when that is shorter, and five minutes for the outcome's way.
CREATE FUNCTION caracal.calls_follow(p_zone text, p_limit integer) RETURNS integer LANGUAGE plpgsql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, caracal AS $$
DECLARE
  v_before text := current_setting('caracal.zone', true);
  v_from bigint;
  v_to bigint;
BEGIN
  PERFORM set_config('caracal.zone', p_zone, true);
  INSERT INTO caracal.call_watermarks (zone, next_index)
    SELECT p_zone, coalesce(max(t.to_index), 0) FROM caracal.ledger_tombstones t WHERE t.zone = p_zone
    ON CONFLICT DO NOTHING;
  SELECT w.next_index INTO v_from FROM caracal.call_watermarks w WHERE w.zone = p_zone FOR UPDATE SKIP LOCKED;
  -- Entries below the head are all there: an append holds the head until it has committed.
  SELECT least(h.next_index, v_from + p_limit) INTO v_to FROM caracal.ledger_head h WHERE h.zone = p_zone;
  IF v_from IS NULL OR v_to IS NULL OR v_to <= v_from THEN
    PERFORM set_config('caracal.zone', coalesce(v_before, ''), true);
    RETURN 0;
  END IF;
  WITH page AS MATERIALIZED (
    SELECT l.index, l.entry::json AS entry, l.facets @> ARRAY['type=gateway.outcome'] AS ends FROM caracal.ledger l
     WHERE l.zone = p_zone AND l.index >= v_from AND l.index < v_to
       AND (l.facets @> ARRAY['type=gateway.outcome'] OR l.facets @> ARRAY['type=gateway.request', 'decision=allow'])
  ), ended AS MATERIALIZED (
    SELECT (p.entry #>> '{detail,request}')::bigint AS index FROM page p WHERE p.ends
  ), opened AS (
    INSERT INTO caracal.open_calls (zone, index, due_at)
    SELECT p_zone, p.index, interval '5 minutes' + coalesce(
        least(to_timestamp((p.entry #>> '{token,exp}')::double precision), p.at + make_interval(secs => r.total_ms / 1000.0)),
        p.at + interval '24 hours')
      FROM (SELECT o.index, o.entry, (o.entry ->> 'occurred_at')::timestamptz AS at FROM page o WHERE NOT o.ends) p
      LEFT JOIN LATERAL (
        SELECT (x.limits ->> 'total_timeout_ms')::double precision AS total_ms FROM caracal.resources x
         WHERE x.zone = p_zone AND x.identifier = p.entry ->> 'resource' ORDER BY x.created_at DESC LIMIT 1
      ) r ON true
     WHERE NOT EXISTS (SELECT FROM ended e WHERE e.index = p.index)
    ON CONFLICT DO NOTHING
  )
  DELETE FROM caracal.open_calls c USING ended e WHERE c.zone = p_zone AND c.index = e.index AND c.closed_at IS NULL;
  UPDATE caracal.call_watermarks w SET next_index = v_to WHERE w.zone = p_zone;
  PERFORM set_config('caracal.zone', coalesce(v_before, ''), true);
  RETURN (v_to - v_from)::integer;
END $$;

-- Closes what is overdue and answers it, for the caller to append that its end is unknown, in the same transaction and under the lock of the head:
-- no outcome can come in between. Answers nothing when the ledger was not followed to its end.
CREATE FUNCTION caracal.calls_close(p_zone text, p_now timestamptz, p_limit integer) RETURNS TABLE (index bigint, entry text)
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, caracal AS $$
DECLARE
  v_before text := current_setting('caracal.zone', true);
  v_rest bigint;
BEGIN
  PERFORM set_config('caracal.zone', p_zone, true);
  PERFORM 1 FROM caracal.ledger_head h WHERE h.zone = p_zone FOR UPDATE;
  PERFORM caracal.calls_follow(p_zone, 10000);
  SELECT h.next_index - w.next_index INTO v_rest
    FROM caracal.ledger_head h JOIN caracal.call_watermarks w ON w.zone = h.zone WHERE h.zone = p_zone;
  IF v_rest = 0 THEN
    -- What retention has dropped cannot be answered any more.
    DELETE FROM caracal.open_calls c
     WHERE c.zone = p_zone AND c.index < (SELECT max(t.to_index) FROM caracal.ledger_tombstones t WHERE t.zone = p_zone);
    RETURN QUERY
      WITH overdue AS (
        SELECT c.index FROM caracal.open_calls c
         WHERE c.zone = p_zone AND c.closed_at IS NULL AND c.due_at <= p_now ORDER BY c.index LIMIT p_limit FOR UPDATE SKIP LOCKED
      ), closed AS (
        UPDATE caracal.open_calls c SET closed_at = p_now FROM overdue o WHERE c.zone = p_zone AND c.index = o.index RETURNING c.index
      )
      SELECT l.index, l.entry FROM closed d JOIN caracal.ledger l ON l.zone = p_zone AND l.index = d.index ORDER BY l.index;
  END IF;
  PERFORM set_config('caracal.zone', coalesce(v_before, ''), true);
END $$;

-- Which of these calls were closed; to be asked under the lock of the head.
CREATE FUNCTION caracal.calls_closed(p_zone text, p_indices bigint[]) RETURNS SETOF bigint
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, caracal AS $$
DECLARE v_before text := current_setting('caracal.zone', true);
BEGIN
  PERFORM set_config('caracal.zone', p_zone, true);
  RETURN QUERY SELECT c.index FROM caracal.open_calls c WHERE c.zone = p_zone AND c.index = ANY (p_indices) AND c.closed_at IS NOT NULL;
  PERFORM set_config('caracal.zone', coalesce(v_before, ''), true);
END $$;

REVOKE EXECUTE ON FUNCTION caracal.calls_follow(text, integer), caracal.calls_close(text, timestamptz, integer),
  caracal.calls_closed(text, bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION caracal.calls_follow(text, integer) TO caracal_janitor;
GRANT EXECUTE ON FUNCTION caracal.calls_close(text, timestamptz, integer), caracal.calls_closed(text, bigint[]) TO caracal_audit;
GRANT SELECT ON call_watermarks, open_calls TO caracal_system;
