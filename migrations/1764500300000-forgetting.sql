-- Ended sessions and delegations are forgotten leaf by leaf. The janitor has no right on the tables themselves: what may go is decided here.

SET LOCAL search_path = caracal, pg_catalog;

CREATE INDEX sessions_ended ON sessions (zone, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX delegations_ended ON delegations (zone, ended_at) WHERE ended_at IS NOT NULL;

-- Deletes at most p_limit of each that ended before p_before and that nothing else names; answers how many went.
CREATE FUNCTION caracal.runtime_forget(p_zone text, p_before timestamptz, p_limit integer)
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
      ORDER BY e.ended_at LIMIT p_limit)) RETURNING 1)
  SELECT count(*)::integer INTO sessions FROM gone;
  PERFORM set_config('caracal.zone', coalesce(v_before, ''), true);
  RETURN NEXT;
END $$;

REVOKE EXECUTE ON FUNCTION caracal.runtime_forget(text, timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION caracal.runtime_forget(text, timestamptz, integer) TO caracal_janitor;
