-- The one place a provider's secret is sent to, fixed by the first resource that names the provider.
ALTER TABLE caracal.providers ADD COLUMN bound_origin text;

-- Administrative changes of all zones, newest first. An entry's first facet is its type.
CREATE INDEX ledger_admin ON caracal.ledger (ingested_at, zone, index) WHERE facets[1] COLLATE "C" LIKE 'type=admin.%';
