import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/json.js';
import { SYSTEM_ZONE } from '../zone.js';

const PREFIX = 'admin.';

/** An administrative change as the list of all zones shows it, from its ledger entry. A change that belongs to no zone has `zone: null`. */
export function adminAuditItem(zone: string, index: number, entry: JsonObject): JsonObject {
  const detail = isJsonObject(entry['detail']) ? entry['detail'] : {};
  return {
    zone: zone === SYSTEM_ZONE ? null : zone,
    index,
    actor: entry['actor'] ?? null,
    action: typeof entry['type'] === 'string' ? entry['type'].slice(PREFIX.length) : null,
    target: detail['target'] ?? null,
    before_digest: digest(detail['before_digest']),
    after_digest: digest(detail['after_digest']),
    request_id: entry['request_id'] ?? null,
    at: entry['occurred_at'] ?? null,
  };
}

function digest(value: JsonValue | undefined): JsonValue {
  return value ?? null;
}
