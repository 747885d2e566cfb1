import type { JsonObject } from '../../kernel/json.js';
import type { PolicyAuthoring } from '../../policy/index.js';
import type { Applications } from '../applications.js';
import { applicationBody } from '../domain/application.js';
import { chosen, grantKey, renamed } from '../domain/config/config-item.js';
import type { ConfigKind, CurrentItem } from '../domain/config/config-plan.js';
import { grantBody } from '../domain/grant.js';
import { providerBody } from '../domain/providers/provider.js';
import type { Grants } from '../grants.js';
import type { Slice } from '../persistence/lists.js';
import type { Providers } from '../providers.js';
import type { Resources } from '../resources.js';
import type { Zones } from '../zones.js';

export interface ConfigParts {
  readonly zones: Zones;
  readonly applications: Applications;
  readonly providers: Providers;
  readonly resources: Resources;
  readonly grants: Grants;
  readonly policies: PolicyAuthoring;
}

const LISTS = {
  application: 'applications',
  provider: 'providers',
  resource: 'resources',
  grant: 'grants',
} as const satisfies Partial<Record<ConfigKind, string>>;
const PAGE = 200;

/** What administrators have chosen, in the form that can be applied again. It holds no secret and no id. */
export class ConfigExport {
  constructor(private readonly parts: ConfigParts) {}

  /** Everything that is not archived. */
  async document(): Promise<JsonObject> {
    const zones = await every((slice) => this.parts.zones.list(slice, undefined, undefined));
    const documents: JsonObject[] = [];
    for (const { slug } of zones) documents.push(zoneDocument(await this.items(slug)));
    return { v: 1, zones: documents };
  }

  /** Everything in a zone; nothing for one that is not there. */
  async items(zone: string): Promise<CurrentItem[]> {
    const { zones, applications, providers, resources, grants } = this.parts;
    const [row] = (await every((slice) => zones.list(slice, undefined, new Set([zone])))).slice(0, 1);
    if (!row) return [];
    const clients = await every((slice) => applications.list(zone, slice, 'active'));
    const upstreams = await every((slice) => providers.list(zone, slice, 'active'));
    const targets = await every((slice) => resources.list(zone, slice, 'active'));
    const granted = await every((slice) => grants.list(zone, slice, { status: 'active' }));
    const slugs = new Map([...clients, ...targets].map(({ id, slug }) => [id, slug]));
    const names = new Map(upstreams.map(({ id, name }) => [id, name]));
    const item = (kind: ConfigKind, id: string, key: string, body: JsonObject): CurrentItem => ({
      kind,
      zone,
      id,
      key,
      body,
    });
    return [
      item('zone', zone, zone, chosen(zones.body(row))),
      ...clients.map((one) => item('application', one.id, one.slug, chosen(applicationBody(one)))),
      ...upstreams.map((one) => item('provider', one.id, one.name, chosen(providerBody(one)))),
      ...targets.map((one) => {
        const body = renamed(chosen(resources.body(one)), 'provider', names);
        return item('resource', one.id, one.slug, renamed(body, 'server_application', slugs));
      }),
      ...granted.map((one) => {
        const body = renamed(renamed(chosen(grantBody(one)), 'application', slugs), 'resource', slugs);
        return item('grant', one.id, grantKey(body), body);
      }),
      ...(await this.policySet(zone)),
    ];
  }

  private async policySet(zone: string): Promise<CurrentItem[]> {
    const active = await this.parts.policies.active(zone);
    if (!active) return [];
    const policies = active.policies.map(({ name, cedar }) => ({ name, cedar }));
    const body = { policies, tests: active.tests as JsonObject[] };
    return [{ kind: 'policy_set', zone, id: String(active.version), key: 'active', body }];
  }
}

function zoneDocument(items: readonly CurrentItem[]): JsonObject {
  const of = (kind: ConfigKind): JsonObject[] => items.filter((item) => item.kind === kind).map(({ body }) => body);
  const lists = Object.entries(LISTS).map(([kind, list]) => [list, of(kind as ConfigKind)] as const);
  const [policySet] = of('policy_set');
  return { ...of('zone')[0], ...Object.fromEntries(lists), ...(policySet ? { policy_set: policySet } : {}) };
}

/** Every row of a list, page by page. */
async function every<Row extends { readonly id: string }>(
  list: (slice: Slice) => Promise<readonly Row[]>,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (let cursor: string | undefined; ;) {
    const found = await list({ limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    rows.push(...found.slice(0, PAGE));
    if (found.length <= PAGE) return rows;
    cursor = rows.at(-1)?.id;
  }
}
