-- Keys with which a zone's log was signed before the present one, in the order in which they were put away: members vkey, handover, retired_at.
ALTER TABLE caracal.zones ADD COLUMN log_retired_keys jsonb NOT NULL DEFAULT '[]';
