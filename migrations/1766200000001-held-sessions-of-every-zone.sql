-- What the breaker had suspended was to be held by 1765400000000, which ran as the owner: row-level security showed it no session, as it had entered no zone.

SET LOCAL search_path = caracal, pg_catalog;

DO $$
DECLARE v_zone text;
BEGIN
  FOR v_zone IN SELECT slug FROM caracal.zones LOOP
    PERFORM set_config('caracal.zone', v_zone, true);
    UPDATE caracal.sessions SET held = true
     WHERE zone = v_zone AND status = 'suspended' AND suspend_reason LIKE 'breaker:%' AND NOT held;
  END LOOP;
  PERFORM set_config('caracal.zone', '', true);
END $$;
