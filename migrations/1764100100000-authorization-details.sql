-- Types of authorization details (RFC 9396) that a resource knows, each with the JSON Schema of its objects: [{"type", "schema", "description"?}].
ALTER TABLE caracal.resources ADD COLUMN authorization_details_types jsonb NOT NULL DEFAULT '[]';
