import type { FieldFault } from '../../kernel/app-error.js';
import type { JsonObject } from '../../kernel/json.js';

/** What an application's sessions are like when whoever starts them does not say, and what none of them goes beyond. */
export interface Blueprint {
  /** Labels of a root session that names none. */
  readonly labels?: readonly string[];
  /** The life of a task that names none. */
  readonly ttl_seconds?: number;
  /** The lease of a service that names none. */
  readonly lease_seconds?: number;
  /** No session lives longer, whatever it asks for. */
  readonly max_ttl_seconds?: number;
  /** Calls of any session and everything below it, whatever it asks for. */
  readonly max_calls?: number;
  /** Ids of the only resources that any of its sessions may use; without it, grants alone decide. */
  readonly resources?: readonly string[];
}

/** The blueprint that is stored in an application's settings. */
export function blueprintOf(settings: JsonObject): Blueprint {
  return (settings['blueprint'] ?? {}) as Blueprint;
}

/** What no session could be started with: labels beyond the allowed ones, a default beyond the longest life. */
export function blueprintFaults(blueprint: Blueprint, allowedLabels: readonly string[]): readonly FieldFault[] {
  const { labels = [], ttl_seconds: ttl = 0, max_ttl_seconds: most = Infinity } = blueprint;
  const excess = labels.filter((label) => !allowedLabels.includes(label));
  return [
    ...(excess.length === 0
      ? []
      : [{ field: 'blueprint.labels', message: `names ${excess.join(', ')}, which allowed_labels does not` }]),
    ...(ttl <= most ? [] : [{ field: 'blueprint.ttl_seconds', message: 'must not exceed max_ttl_seconds' }]),
  ];
}
