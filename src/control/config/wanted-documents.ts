import { AppError } from '../../kernel/app-error.js';
import { grantKey, numbered, webhookKey } from '../domain/config/config-item.js';
import { zoneSettings, type StoredZoneSettings } from '../domain/zone-settings.js';
import { SYSTEM_ZONE } from '../domain/zone.js';
import { plain } from '../http/answers.js';
import type { CreateZoneDto } from '../http/dto/zone.dto.js';
import type { ConfigDto, ConfigPolicySetDto, ConfigWebhookDto, ConfigZoneDto } from './http/config.dto.js';
import { application, grant, provider, resource, subjectIssuer } from './wanted-objects.js';
import { ANY_VERSION, bodyOf, differ, plainly, type Wanted } from './wanted.js';

/** A webhook's secret, which is shown once. */
export interface ShownSecret {
  readonly kind: 'webhook';
  readonly id: string;
  readonly secret: string;
}

/** Everything that a document wants, in the order in which it can be made. Secrets that are made for it go to `shown`. */
export function wantedIn({ zones, webhooks = [] }: ConfigDto, shown: (secret: ShownSecret) => void): Wanted[] {
  const told = webhooks.map((one) =>
    wanted({ kind: 'webhook', zone: SYSTEM_ZONE, key: webhookKey(bodyOf(one)) }, one, webhook(one, shown)),
  );
  return [...zones.flatMap(wantedInZone), ...numbered(told)];
}

function wantedInZone(document: ConfigZoneDto): Wanted[] {
  const { applications = [], providers = [], subject_issuers: issuers = [], resources = [], ...more } = document;
  const { grants = [], policy_set: set, ...own } = more;
  const { slug } = document;
  return [
    wanted({ kind: 'zone', zone: slug, key: slug }, own, zone(own)),
    ...applications.map((one) =>
      wanted({ kind: 'application', zone: slug, key: one.slug }, one, application(slug, one)),
    ),
    ...numbered(
      providers.map((one) => wanted({ kind: 'provider', zone: slug, key: one.name }, one, provider(slug, one))),
    ),
    ...issuers.map((one) =>
      wanted({ kind: 'subject_issuer', zone: slug, key: one.issuer }, one, subjectIssuer(slug, one)),
    ),
    ...resources.map((one) => wanted({ kind: 'resource', zone: slug, key: one.slug }, one, resource(slug, one))),
    ...numbered(
      grants.map((one) => wanted({ kind: 'grant', zone: slug, key: grantKey(bodyOf(one)) }, one, grant(slug, one))),
    ),
    ...(set ? [wanted({ kind: 'policy_set', zone: slug, key: 'active' }, set, policySet(slug, set))] : []),
  ];
}

function wanted(place: Pick<Wanted, 'kind' | 'zone' | 'key'>, body: object, vet: Wanted['vet']): Wanted {
  return { ...place, body: bodyOf(body), vet };
}

function zone({ slug, name, ...rest }: CreateZoneDto): Wanted['vet'] {
  const settings = plain(rest) as { [Name in keyof StoredZoneSettings]?: StoredZoneSettings[Name] | null };
  return plainly(async ({ call, parts, id }) => {
    if (id === null) {
      await parts.zones.create(call, { slug, name, settings: withoutNulls(settings) });
      return slug;
    }
    const { signing_alg: algorithm, ...patch } = settings;
    if (differ(algorithm ?? undefined, zoneSettings((await parts.zones.get(slug)).settings).signing_alg))
      throw new AppError('conflict', 'The signing algorithm of a zone does not change.');
    await parts.zones.patch(call, slug, ANY_VERSION, { name, settings: patch });
    return slug;
  });
}

function policySet(inZone: string, { policies, tests = [] }: ConfigPolicySetDto): Wanted['vet'] {
  return plainly(async ({ call, parts }) => {
    const ids: string[] = [];
    for (const { name, cedar } of policies)
      ids.push((await parts.policies.createPolicy(call, inZone, { name, cedar })).id);
    const set = await parts.policies.createSet(call, inZone, {
      policies: ids,
      tests: tests.map((test) => plain(test)),
    });
    await parts.policies.activate(call, inZone, set.version);
    return String(set.version);
  });
}

function webhook({ url, events, zone: about }: ConfigWebhookDto, shown: (secret: ShownSecret) => void): Wanted['vet'] {
  return async ({ parts, id, planned, dryRun }) => {
    await parts.webhooks.vet({ url, events, zone: about }, planned);
    const prepared = id === null ? await parts.webhooks.prepare({ url, events, zone: about }, { dryRun }) : undefined;
    return async (step) => {
      if (!prepared) {
        await step.parts.webhooks.patch(step.call, step.id as string, { condition: ANY_VERSION, patch: { events } });
        return step.id as string;
      }
      await step.changes.create(step.call, SYSTEM_ZONE, (tx) => step.parts.webhooks.make(tx, prepared));
      shown({ kind: 'webhook', id: prepared.id, secret: prepared.secret });
      return prepared.id;
    };
  };
}

function withoutNulls(settings: object): StoredZoneSettings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== null));
}
