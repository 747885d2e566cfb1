-- Sessions are looked up by subject when a subject is revoked, and by parent in the order of their start when they are listed.

SET LOCAL search_path = caracal, pg_catalog;

CREATE INDEX sessions_subject ON sessions (zone, subject);
