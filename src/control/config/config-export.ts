import { createHash } from 'node:crypto';
import { canonicalize } from '../../kernel/canonical-json.js';
import type { JsonObject } from '../../kernel/json.js';
import { applicationBody } from '../domain/application.js';
import { chosen, grantKey, numbered, renamed, webhookKey } from '../domain/config/config-item.js';
import type { ConfigKind, CurrentItem } from '../domain/config/config-plan.js';
import { grantBody } from '../domain/grant.js';
import { providerBody } from '../domain/providers/provider.js';
import { holdsSecret } from '../domain/providers/provider-kinds.js';
import { isControlResource } from '../domain/resources/control-resource.js';
import { subjectIssuerBody } from '../domain/subject-issuer.js';
import { SYSTEM_ZONE } from '../domain/zone.js';
import { webhookBody } from '../delivery/domain/webhook.js';
import type { Slice } from '../persistence/lists.js';
import type { ConfigParts } from './config-parts.js';

const LISTS = {
  application: 'applications',
  provider: 'providers',
  subject_issuer: 'subject_issuers',
  resource: 'resources',
  grant: 'grants',
} as const satisfies Partial<Record<ConfigKind, string>>;
const PAGE = 200;
/** Stands where a secret is: whoever applies the document elsewhere puts one in its place. */
const KEPT_SECRET: JsonObject = { set: true };

/** What administrators have chosen, in the form that can be applied again. It holds no secret and no id. */
export class ConfigExport {
  constructor(private readonly parts: ConfigParts) {}

  /** Everything that is not archived, and the tag of this very document. */
  async document(): Promise<{ readonly body: JsonObject; readonly etag: string }> {
    const zones = await every((slice) => this.parts.zones.list(slice, undefined, undefined));
    const documents: JsonObject[] = [];
    for (const { slug } of zones) documents.push(zoneDocument(await this.items(slug)));
    const webhooks = (await this.webhooks()).map(({ body }) => body);
    const body = { v: 1, zones: documents, webhooks };
    return { body, etag: `"${createHash('sha256').update(canonicalize(body), 'utf8').digest('base64url')}"` };
  }

  /** Everything in a zone; nothing for one that is not there. */
  async items(zone: string): Promise<CurrentItem[]> {
    const { zones } = this.parts;
    const [row] = (await every((slice) => zones.list(slice, undefined, new Set([zone])))).slice(0, 1);
    if (!row) return [];
    const own = itemOf(zone, 'zone', { id: zone, key: zone, body: chosen(zones.body(row)) });
    return [own, ...(await this.objects(zone)), ...(await this.policySet(zone))];
  }

  async webhooks(): Promise<CurrentItem[]> {
    const rows = await every((slice) => this.parts.webhooks.list(slice, undefined));
    const items = rows.map((row) => {
      const body = { ...chosen(webhookBody(row)), secret: KEPT_SECRET };
      return itemOf(SYSTEM_ZONE, 'webhook', { id: row.id, key: webhookKey(body), body });
    });
    return numbered(items);
  }

  private async objects(zone: string): Promise<CurrentItem[]> {
    const { applications, providers, issuers, resources, grants } = this.parts;
    const clients = await every((slice) => applications.list(zone, slice, 'active'));
    const upstreams = numbered(
      (await every((slice) => providers.list(zone, slice, 'active'))).map((one) => {
        const secret = holdsSecret(one.kind) ? { secret: KEPT_SECRET } : {};
        return itemOf(zone, 'provider', {
          id: one.id,
          key: one.name,
          body: { ...chosen(providerBody(one)), ...secret },
        });
      }),
    );
    const trusted = await every((slice) => issuers.list(zone, slice, 'active'));
    const targets = await every((slice) => resources.list(zone, slice, 'active'));
    const granted = await every((slice) => grants.list(zone, slice, { status: 'active' }));
    const slugs = new Map([...clients, ...targets].map(({ id, slug }) => [id, slug]));
    const names = new Map(upstreams.map(({ id, key }) => [id, key]));
    return [
      ...clients.map((one) =>
        itemOf(zone, 'application', { id: one.id, key: one.slug, body: chosen(applicationBody(one)) }),
      ),
      ...upstreams,
      ...trusted.map((one) =>
        itemOf(zone, 'subject_issuer', {
          id: one.id,
          key: one.issuer,
          body: { issuer: one.issuer, ...chosen(subjectIssuerBody(one)) },
        }),
      ),
      ...targets.map((one) => {
        const body = renamed(renamed(chosen(resources.body(one)), 'provider', names), 'server_application', slugs);
        const item = itemOf(zone, 'resource', { id: one.id, key: one.slug, body });
        return isControlResource(one) ? { ...item, builtIn: true } : item;
      }),
      ...numbered(
        granted.map((one) => {
          const body = renamed(renamed(chosen(grantBody(one)), 'application', slugs), 'resource', slugs);
          return itemOf(zone, 'grant', { id: one.id, key: grantKey(body), body });
        }),
      ),
    ];
  }

  private async policySet(zone: string): Promise<CurrentItem[]> {
    const active = await this.parts.policies.active(zone);
    if (!active) return [];
    const policies = active.policies.map(({ name, cedar }) => ({ name, cedar }));
    const body = { policies, tests: active.tests as JsonObject[] };
    return [itemOf(zone, 'policy_set', { id: String(active.version), key: 'active', body })];
  }
}

function itemOf(zone: string, kind: ConfigKind, item: Pick<CurrentItem, 'id' | 'key' | 'body'>): CurrentItem {
  return { zone, kind, ...item };
}

function zoneDocument(items: readonly CurrentItem[]): JsonObject {
  const of = (kind: ConfigKind): JsonObject[] =>
    items.filter((item) => item.kind === kind && item.builtIn !== true).map(({ body }) => body);
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
