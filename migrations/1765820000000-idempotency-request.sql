-- Which request a key was claimed by: after a crash the ledger says by it whether that request took effect.
ALTER TABLE caracal.idempotency_keys ADD COLUMN request_id text;
