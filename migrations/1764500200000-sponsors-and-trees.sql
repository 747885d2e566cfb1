-- The person who answers for a session, and the sessions of one tree in the order of their start.

SET LOCAL search_path = caracal, pg_catalog;

ALTER TABLE sessions ADD COLUMN sponsor text;
CREATE INDEX sessions_root ON sessions (zone, root, id);
