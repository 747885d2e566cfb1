-- Budgets: things that may happen so many times, claimed in the commit of the entry they are for.

SET LOCAL search_path = caracal, pg_catalog;

CREATE TABLE budgets (
  zone text NOT NULL,
  kind text NOT NULL,
  key bytea NOT NULL,
  used integer NOT NULL DEFAULT 0 CHECK (used >= 0),
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (zone, kind, key)
);
CREATE INDEX budgets_expiry ON budgets (expires_at);

-- Takes one unit of each budget that an ask names, all or none, the asks in their order; returns the asks that were won.
CREATE FUNCTION caracal.budget_take(p_zone text, p_asks integer[], p_kinds text[], p_keys bytea[], p_limits integer[], p_expires timestamptz[])
  RETURNS SETOF integer LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, caracal AS $$
DECLARE
  v_before text := current_setting('caracal.zone', true);
  v_ask integer;
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
  FOR v_ask IN SELECT DISTINCT u.ask FROM unnest(p_asks) AS u(ask) ORDER BY 1 LOOP
    CONTINUE WHEN EXISTS (
      SELECT 1 FROM unnest(p_asks, p_kinds, p_keys, p_limits) AS u(ask, kind, key, most)
        JOIN caracal.budgets b ON b.zone = p_zone AND b.kind = u.kind AND b.key = u.key
      WHERE u.ask = v_ask AND b.used >= u.most);
    UPDATE caracal.budgets b SET used = b.used + 1
      FROM unnest(p_asks, p_kinds, p_keys) AS u(ask, kind, key)
      WHERE u.ask = v_ask AND b.zone = p_zone AND b.kind = u.kind AND b.key = u.key;
    RETURN NEXT v_ask;
  END LOOP;
  PERFORM set_config('caracal.zone', coalesce(v_before, ''), true);
END $$;

-- Gives a unit back when what it was taken for provably did not happen.
CREATE FUNCTION caracal.budget_return(p_zone text, p_kind text, p_key bytea)
  RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, caracal AS $$
DECLARE v_before text := current_setting('caracal.zone', true);
BEGIN
  PERFORM set_config('caracal.zone', p_zone, true);
  UPDATE caracal.budgets b SET used = greatest(b.used - 1, 0) WHERE b.zone = p_zone AND b.kind = p_kind AND b.key = p_key;
  PERFORM set_config('caracal.zone', coalesce(v_before, ''), true);
END $$;

ALTER TABLE budgets ENABLE ROW LEVEL SECURITY;
ALTER TABLE budgets FORCE ROW LEVEL SECURITY;
CREATE POLICY zone_isolation ON budgets USING (zone = nullif(current_setting('caracal.zone', true), '')) WITH CHECK (zone = nullif(current_setting('caracal.zone', true), ''));
CREATE POLICY janitor_expired ON budgets TO caracal_janitor USING (expires_at < now());

REVOKE EXECUTE ON FUNCTION caracal.budget_take(text, integer[], text[], bytea[], integer[], timestamptz[]), caracal.budget_return(text, text, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION caracal.budget_take(text, integer[], text[], bytea[], integer[], timestamptz[]), caracal.budget_return(text, text, bytea) TO caracal_audit, caracal_app;
GRANT SELECT, DELETE ON budgets TO caracal_janitor;
