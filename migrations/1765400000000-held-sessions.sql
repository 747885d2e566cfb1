-- What an administrator or the breaker has suspended is not for its own application to resume.

SET LOCAL search_path = caracal, pg_catalog;

ALTER TABLE sessions ADD COLUMN held boolean NOT NULL DEFAULT false;
UPDATE sessions SET held = true WHERE status = 'suspended' AND suspend_reason LIKE 'breaker:%';
