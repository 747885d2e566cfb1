-- Calls of sessions are counted as those of delegations are, and a unit may be taken of one of several budgets.

SET LOCAL search_path = caracal, pg_catalog;

-- What every call of the session counts against: its own budget and those of the sessions above it, as they were when it started.
ALTER TABLE sessions ADD COLUMN call_budgets jsonb;

-- Takes what each ask needs, all or none, the asks in their order: of the units of one group the first whose budget has one left.
-- Returns the positions of the units that were taken; an ask without any was not won.
CREATE FUNCTION caracal.budget_spend(p_zone text, p_asks integer[], p_groups integer[], p_kinds text[], p_keys bytea[], p_limits integer[], p_expires timestamptz[])
  RETURNS SETOF integer LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, caracal AS $$
DECLARE
  v_before text := current_setting('caracal.zone', true);
  v_ask integer;
  v_needed integer;
  v_units integer[];
BEGIN
  PERFORM set_config('caracal.zone', p_zone, true);
  INSERT INTO caracal.budgets (zone, kind, key, expires_at)
    SELECT p_zone, u.kind, u.key, max(u.expires) FROM unnest(p_kinds, p_keys, p_expires) AS u(kind, key, expires)
    GROUP BY u.kind, u.key ORDER BY u.kind, u.key
    ON CONFLICT DO NOTHING;
  -- In one order, so that two groups never wait for each other.
  PERFORM 1 FROM caracal.budgets b
    WHERE b.zone = p_zone AND (b.kind, b.key) IN (SELECT u.kind, u.key FROM unnest(p_kinds, p_keys) AS u(kind, key))
    ORDER BY b.kind, b.key FOR UPDATE;
  FOR v_ask, v_needed IN
    SELECT u.ask, count(DISTINCT u.grp) FROM unnest(p_asks, p_groups) AS u(ask, grp) GROUP BY u.ask ORDER BY u.ask
  LOOP
    SELECT array_agg(f.n) INTO v_units FROM (
      SELECT DISTINCT ON (u.grp) u.n::integer AS n
      FROM unnest(p_asks, p_groups, p_kinds, p_keys, p_limits) WITH ORDINALITY AS u(ask, grp, kind, key, most, n)
        JOIN caracal.budgets b ON b.zone = p_zone AND b.kind = u.kind AND b.key = u.key
      WHERE u.ask = v_ask AND b.used < u.most
      ORDER BY u.grp, u.n) f;
    CONTINUE WHEN coalesce(cardinality(v_units), 0) < v_needed;
    UPDATE caracal.budgets b SET used = b.used + 1
      FROM unnest(p_kinds, p_keys) WITH ORDINALITY AS u(kind, key, n)
      WHERE u.n = ANY (v_units) AND b.zone = p_zone AND b.kind = u.kind AND b.key = u.key;
    RETURN QUERY SELECT unnest(v_units);
  END LOOP;
  PERFORM set_config('caracal.zone', coalesce(v_before, ''), true);
END $$;

REVOKE EXECUTE ON FUNCTION caracal.budget_spend(text, integer[], integer[], text[], bytea[], integer[], timestamptz[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION caracal.budget_spend(text, integer[], integer[], text[], bytea[], integer[], timestamptz[]) TO caracal_audit, caracal_app;

-- As before, and the budget of a session goes with the session: one without an end has none either.
CREATE OR REPLACE FUNCTION caracal.runtime_forget(p_zone text, p_before timestamptz, p_limit integer)
  RETURNS TABLE (sessions integer, delegations integer) LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, caracal AS $$
DECLARE v_before text := current_setting('caracal.zone', true);
BEGIN
  IF p_before IS NULL OR p_before > now() - interval '7 days' THEN
    RAISE EXCEPTION 'too young to be forgotten' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM set_config('caracal.zone', p_zone, true);
  WITH gone AS (
    DELETE FROM caracal.delegations d WHERE d.zone = p_zone AND d.id = ANY (ARRAY(
      SELECT e.id FROM caracal.delegations e
      WHERE e.zone = p_zone AND e.ended_at < p_before AND e.status <> 'active'
        AND NOT EXISTS (SELECT 1 FROM caracal.delegations l WHERE l.zone = e.zone AND l.id <> e.id AND l.path @> ARRAY[e.id])
      ORDER BY e.ended_at LIMIT p_limit)) RETURNING 1)
  SELECT count(*)::integer INTO delegations FROM gone;
  WITH gone AS (
    DELETE FROM caracal.sessions s WHERE s.zone = p_zone AND s.id = ANY (ARRAY(
      SELECT e.id FROM caracal.sessions e
      WHERE e.zone = p_zone AND e.ended_at < p_before AND e.status IN ('terminated', 'expired')
        AND NOT EXISTS (SELECT 1 FROM caracal.sessions c WHERE c.zone = e.zone AND c.parent = e.id)
        AND NOT EXISTS (SELECT 1 FROM caracal.delegations d WHERE d.zone = e.zone AND d.source = e.id)
        AND NOT EXISTS (SELECT 1 FROM caracal.delegations d WHERE d.zone = e.zone AND d.target = e.id)
        AND NOT EXISTS (SELECT 1 FROM caracal.invocations i WHERE i.zone = e.zone AND i.source = e.id)
        AND NOT EXISTS (SELECT 1 FROM caracal.invocations i WHERE i.zone = e.zone AND i.target = e.id)
      ORDER BY e.ended_at LIMIT p_limit)) RETURNING s.id),
  counted AS (
    DELETE FROM caracal.budgets b USING gone g
    WHERE b.zone = p_zone AND b.kind = 'calls' AND b.key = sha256(convert_to(g.id, 'UTF8')))
  SELECT count(*)::integer INTO sessions FROM gone;
  PERFORM set_config('caracal.zone', coalesce(v_before, ''), true);
  RETURN NEXT;
END $$;
