import { AppError } from '../../kernel/app-error.js';
import type { JsonObject } from '../../kernel/json.js';
import { Precondition } from '../../platform/http/index.js';
import type { AdminCall } from '../admin-changes.js';
import { configPlan, type ConfigChange, type ConfigItem, type CurrentItem } from '../domain/config/config-plan.js';
import { newResource, resourceValues } from '../http/resource-values.js';
import type { ConfigApplicationDto, ConfigPolicySetDto, ConfigZoneDto } from './http/config.dto.js';
import type { CreateGrantDto } from '../http/dto/grant.dto.js';
import type { CreateProviderDto } from '../http/dto/provider.dto.js';
import type { CreateResourceDto } from '../http/dto/resource.dto.js';
import { plain, timeOf } from '../http/answers.js';
import { grantKey } from '../domain/config/config-item.js';
import { zoneSettings, type StoredZoneSettings } from '../domain/zone-settings.js';
import type { ConfigExport, ConfigParts } from './config-export.js';
import { IdsByName } from './ids-by-name.js';

const ANY_VERSION = Precondition.parse('*');

/** A wanted object with the very input that makes it. */
interface Wanted extends ConfigItem {
  readonly apply: (call: AdminCall, id: string | null, ids: IdsByName) => Promise<string>;
}

/** Brings the server to a configuration: makes what is missing, changes what differs, leaves everything else. */
export class ConfigApply {
  constructor(
    private readonly parts: ConfigParts,
    private readonly current: ConfigExport,
  ) {}

  /** What would be done. */
  async plan(zones: readonly ConfigZoneDto[]): Promise<readonly ConfigChange[]> {
    return (await this.prepare(zones)).plan;
  }

  /**
   * Does it, one object after the other, each in a transaction of its own with its ledger entry. The first refusal ends it: it names the
   * object and says how many changes were made; applying again goes on from there.
   */
  async apply(call: AdminCall, zones: readonly ConfigZoneDto[]): Promise<readonly ConfigChange[]> {
    const { plan, wanted, ids } = await this.prepare(zones);
    const done: ConfigChange[] = [];
    for (const change of plan) {
      const item = wanted.find(
        ({ kind, zone, key }) => kind === change.kind && zone === change.zone && key === change.key,
      );
      if (!item) continue;
      const id = await item.apply(call, change.id, ids).catch((error: unknown) => {
        throw located(error, change, done.length);
      });
      ids.add({ ...change, id });
      done.push({ ...change, id });
    }
    return done;
  }

  private async prepare(zones: readonly ConfigZoneDto[]) {
    const wanted = zones.flatMap((zone) => this.wanted(zone));
    const current: CurrentItem[] = [];
    for (const slug of new Set(zones.map(({ slug }) => slug))) current.push(...(await this.current.items(slug)));
    refuseDoubles(wanted);
    return { wanted, plan: configPlan(wanted, current), ids: new IdsByName(current) };
  }

  private wanted(zone: ConfigZoneDto): Wanted[] {
    const { applications = [], providers = [], resources = [], grants = [], policy_set: set, ...own } = zone;
    const { slug } = zone;
    return [
      { kind: 'zone', zone: slug, key: slug, body: bodyOf(own), apply: (call, id) => this.zone(call, id, own) },
      ...applications.map((one): Wanted => ({
        ...item('application', slug, one.slug, one),
        apply: (call, id) => this.application(call, slug, id, one),
      })),
      ...providers.map((one): Wanted => ({
        ...item('provider', slug, one.name, one),
        apply: (call, id) => this.provider(call, slug, id, one),
      })),
      ...resources.map((one): Wanted => ({
        ...item('resource', slug, one.slug, one),
        apply: (call, id, ids) => this.resource(call, slug, id, ids.inResource(slug, one)),
      })),
      ...grants.map((one): Wanted => ({
        ...item('grant', slug, grantKey(bodyOf(one)), one),
        apply: (call, id, ids) => this.grant(call, slug, id, ids.inGrant(slug, one)),
      })),
      ...(set
        ? [{ ...item('policy_set', slug, 'active', set), apply: (call: AdminCall) => this.policySet(call, slug, set) }]
        : []),
    ];
  }

  private async zone(call: AdminCall, id: string | null, { slug, name, ...rest }: ConfigZoneDto): Promise<string> {
    const settings = plain(rest) as { [Name in keyof StoredZoneSettings]?: StoredZoneSettings[Name] | null };
    if (id === null) {
      await this.parts.zones.create(call, { slug, name, settings: withoutNulls(settings) });
      return slug;
    }
    const { signing_alg: algorithm, ...patch } = settings;
    if (differ(algorithm ?? undefined, zoneSettings((await this.parts.zones.get(slug)).settings).signing_alg))
      throw new AppError('conflict', 'The signing algorithm of a zone does not change.');
    await this.parts.zones.patch(call, slug, ANY_VERSION, { name, settings: patch });
    return slug;
  }

  private async application(
    call: AdminCall,
    zone: string,
    id: string | null,
    body: ConfigApplicationDto,
  ): Promise<string> {
    const { slug, name, allowed_labels: allowedLabels, expires_at } = body;
    const values = { name, allowedLabels, limits: body.limits && plain(body.limits), expiresAt: timeOf(expires_at) };
    if (id === null) return (await this.parts.applications.create(call, zone, { ...values, slug })).id;
    await this.parts.applications.patch(call, zone, id, { condition: ANY_VERSION, patch: values });
    return id;
  }

  private async provider(call: AdminCall, zone: string, id: string | null, body: CreateProviderDto): Promise<string> {
    const { kind, ...values } = plain({ ...body });
    if (id === null) return (await this.parts.providers.create(call, zone, { ...values, kind })).id;
    if ((await this.parts.providers.get(zone, id)).kind !== kind)
      throw new AppError('conflict', 'The kind of a provider does not change.');
    await this.parts.providers.patch(call, zone, id, { condition: ANY_VERSION, patch: values });
    return id;
  }

  private async resource(call: AdminCall, zone: string, id: string | null, body: CreateResourceDto): Promise<string> {
    if (id === null) return (await this.parts.resources.create(call, zone, newResource(body))).id;
    const before = await this.parts.resources.get(zone, id);
    if (differ(body.identifier, before.identifier) || differ(body.enforcement, before.enforcement))
      throw new AppError('conflict', 'Identifier and enforcement of a resource do not change.');
    await this.parts.resources.patch(call, zone, id, { condition: ANY_VERSION, patch: resourceValues(body) });
    return id;
  }

  private async grant(call: AdminCall, zone: string, id: string | null, body: CreateGrantDto): Promise<string> {
    const { expires_at, ...rest } = plain({ ...body });
    const expiresAt = timeOf(expires_at);
    if (id === null) return (await this.parts.grants.create(call, zone, { ...rest, expiresAt })).id;
    const { scopes } = rest;
    await this.parts.grants.patch(call, zone, id, { condition: ANY_VERSION, patch: { scopes, expiresAt } });
    return id;
  }

  private async policySet(
    call: AdminCall,
    zone: string,
    { policies, tests = [] }: ConfigPolicySetDto,
  ): Promise<string> {
    const { policies: authoring } = this.parts;
    const ids: string[] = [];
    for (const { name, cedar } of policies) ids.push((await authoring.createPolicy(call, zone, { name, cedar })).id);
    const set = await authoring.createSet(call, zone, { policies: ids, tests: tests.map((test) => plain(test)) });
    await authoring.activate(call, zone, set.version);
    return String(set.version);
  }
}

function item(kind: ConfigItem['kind'], zone: string, key: string, body: object): ConfigItem {
  return { kind, zone, key, body: bodyOf(body) };
}

/** As JSON has it: without the classes of the DTOs. */
function bodyOf(body: object): JsonObject {
  return JSON.parse(JSON.stringify(body)) as JsonObject;
}

function withoutNulls(settings: object): StoredZoneSettings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== null));
}

function differ(wanted: string | undefined, there: string): boolean {
  return wanted !== undefined && wanted !== there;
}

/** Two objects of one name: which of them would hold? */
function refuseDoubles(wanted: readonly ConfigItem[]): void {
  const seen = new Set<string>();
  for (const { kind, zone, key } of wanted) {
    const place = `${kind} ${zone} ${key}`;
    if (seen.has(place))
      throw new AppError('invalid_request', 'The request is not valid.', {
        errors: [{ field: 'zones', message: `names the ${kind} ${key} of ${zone} twice` }],
      });
    seen.add(place);
  }
}

function located(error: unknown, { kind, zone, key, op }: ConfigChange, applied: number): unknown {
  if (!(error instanceof AppError)) return error;
  return new AppError(error.code, `${kind} ${key} of ${zone}: ${error.publicDetail}`, {
    ...(error.errors ? { errors: error.errors } : {}),
    members: { ...error.members, failed: { op, kind, zone, key }, applied },
    cause: error,
  });
}
