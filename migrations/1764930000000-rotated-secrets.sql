-- A secret that is a ring of keys is rotated by putting a new key first: the fingerprint that is kept follows.

SET LOCAL search_path = caracal, pg_catalog;

GRANT UPDATE ON secret_fingerprints TO caracal_system;
