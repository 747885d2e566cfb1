-- A dead letter that is sent again travels in a new outbox row but keeps the message's id, by which the inbox knows it.
-- NULL: the row's id is the message's id.
ALTER TABLE caracal.outbox ADD COLUMN message_id uuid;
CREATE INDEX outbox_message_open ON caracal.outbox (message_id) WHERE message_id IS NOT NULL AND done_at IS NULL;
