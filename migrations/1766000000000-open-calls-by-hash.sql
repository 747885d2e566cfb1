-- Following a page of a ledger compared every call that was still open with every end in the page, because the planner expects one of each: a hundred
-- thousand comparisons a page. Each is looked up now.

SET LOCAL search_path = caracal, pg_catalog;

CREATE OR REPLACE FUNCTION caracal.calls_follow(p_zone text, p_limit integer) RETURNS integer LANGUAGE plpgsql VOLATILE SECURITY DEFINER
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
    SELECT l.index, l.entry, l.facets @> ARRAY['type=gateway.outcome'] AS ends FROM caracal.ledger l
     WHERE l.zone = p_zone AND l.index >= v_from AND l.index < v_to
       AND (l.facets @> ARRAY['type=gateway.outcome'] OR l.facets @> ARRAY['type=gateway.request', 'decision=allow'])
  ), ended AS MATERIALIZED (
    SELECT (p.entry::json #>> '{detail,request}')::bigint AS index FROM page p WHERE p.ends
  ), unended AS MATERIALIZED (
    -- Nearly every call ends within its page: only the others' entries are read further. What is NOT IN is looked up by hash.
    SELECT p.index, p.entry::json AS entry FROM page p
     WHERE NOT p.ends AND p.index NOT IN (SELECT e.index FROM ended e WHERE e.index IS NOT NULL)
  ), opened AS (
    INSERT INTO caracal.open_calls (zone, index, due_at)
    SELECT p_zone, p.index, interval '5 minutes' + coalesce(
        least(to_timestamp((p.entry #>> '{token,exp}')::double precision), p.at + make_interval(secs => r.total_ms / 1000.0)),
        p.at + interval '24 hours')
      FROM (SELECT u.index, u.entry, (u.entry ->> 'occurred_at')::timestamptz AS at FROM unended u) p
      LEFT JOIN LATERAL (
        SELECT (x.limits ->> 'total_timeout_ms')::double precision AS total_ms FROM caracal.resources x
         WHERE x.zone = p_zone AND x.identifier = p.entry ->> 'resource' ORDER BY x.created_at DESC LIMIT 1
      ) r ON true
    ON CONFLICT DO NOTHING
  )
  -- What was open before this page; few of its ends are of such calls.
  DELETE FROM caracal.open_calls c
   WHERE c.zone = p_zone AND c.closed_at IS NULL AND c.index IN (SELECT e.index FROM ended e WHERE e.index < v_from);
  UPDATE caracal.call_watermarks w SET next_index = v_to WHERE w.zone = p_zone;
  PERFORM set_config('caracal.zone', coalesce(v_before, ''), true);
  RETURN (v_to - v_from)::integer;
END $$;
