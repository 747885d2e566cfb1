-- Who stands behind an admin token and behind a request, so that nobody decides a request of their own or counts twice; and what approvers may see.
SET LOCAL search_path = caracal, pg_catalog;

-- `person` is what an administrator said of the token; `line` is the first token of a line of rotations.
ALTER TABLE admin_tokens ADD COLUMN person text CHECK (length(person) BETWEEN 1 AND 255);
ALTER TABLE admin_tokens ADD COLUMN line text;

ALTER TABLE approvals ADD COLUMN raisers text[] NOT NULL DEFAULT '{}';
ALTER TABLE approvals ADD COLUMN privacy text NOT NULL DEFAULT 'full' CHECK (privacy IN ('full', 'minimal'));
COMMENT ON COLUMN approvals.raised_by IS 'superseded by raisers, never written';
