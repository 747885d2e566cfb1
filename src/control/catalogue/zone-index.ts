import type { CatalogueRows, ChangedIds } from '../persistence/catalogue-rows.js';
import { deepFreeze } from '../domain/deep-freeze.js';
import type { ZoneRow } from '../domain/zone.js';
import { zoneSettings, type ZoneSettings } from '../domain/zone-settings.js';
import { ApplicationIndex } from './application-index.js';
import { GrantIndex } from './grant-index.js';
import { ResourceIndex } from './resource-index.js';
import { IssuerIndex } from './issuer-index.js';
import { credentialView, grantView, providerView, resourceView } from './to-views.js';
import type {
  ApplicationView,
  CredentialView,
  GrantView,
  ProviderView,
  ResourceView,
  SubjectIssuerView,
  ZoneStatus,
  ZoneView,
} from './views.js';

interface ZoneFacts {
  readonly id: string;
  readonly name: string;
  readonly status: ZoneStatus;
  readonly epoch: number;
  readonly settings: ZoneSettings;
}

/** The public addresses of what a zone holds. */
export interface ZoneAddresses {
  /** The gateway URL of a slug of the zone; an empty slug gives their common beginning. */
  gateway(slug: string): string;
  /** The address of control invoke. */
  control(): string;
}

/** A {@link ZoneView} that takes changes. Each change is taken in one synchronous step, so that nobody sees half of it. */
export class ZoneIndex implements ZoneView {
  private facts: ZoneFacts;
  private readonly applications = new ApplicationIndex();
  private readonly providers = new Map<string, ProviderView>();
  private readonly resourceIndex = new ResourceIndex();
  private readonly grantIndex = new GrantIndex();
  private readonly issuerIndex = new IssuerIndex();

  constructor(
    readonly slug: string,
    rows: CatalogueRows & { readonly zone: ZoneRow },
    private readonly addresses: ZoneAddresses,
  ) {
    this.facts = factsOf(rows.zone);
    this.put(rows);
  }

  /** Takes the rows of what changed; a grant that is archived and a credential that is missing are forgotten. */
  update(changed: ChangedIds, rows: CatalogueRows): void {
    const found = new Set(rows.credentials.map((row) => row.id));
    const gone = changed.credential.filter((id) => !found.has(id));
    for (const id of changed.grant) this.grantIndex.remove(id);
    this.put(rows, gone);
  }

  get id(): string {
    return this.facts.id;
  }

  get name(): string {
    return this.facts.name;
  }

  get status(): ZoneStatus {
    return this.facts.status;
  }

  get epoch(): number {
    return this.facts.epoch;
  }

  get settings(): ZoneSettings {
    return this.facts.settings;
  }

  application(id: string): ApplicationView | undefined {
    return this.applications.application(id);
  }

  credential(id: string): CredentialView | undefined {
    return this.applications.credential(id);
  }

  provider(id: string): ProviderView | undefined {
    return this.providers.get(id);
  }

  resource(id: string): ResourceView | undefined {
    return this.resourceIndex.id(id);
  }

  resourceBySlug(slug: string): ResourceView | undefined {
    return this.resourceIndex.slug(slug);
  }

  resourceByIdentifier(identifier: string): ResourceView | undefined {
    return this.resourceIndex.identifier(identifier);
  }

  resourceByTarget(target: string): ResourceView | undefined {
    const gateway = this.addresses.gateway('');
    if (!target.startsWith(gateway)) return this.resourceIndex.identifier(target);
    const resource = this.resourceIndex.slug(target.slice(gateway.length));
    return resource?.status === 'active' && resource.enforcement === 'gateway' ? resource : undefined;
  }

  resources(): readonly ResourceView[] {
    return this.resourceIndex.active();
  }

  grants(application: string): readonly GrantView[] {
    return this.grantIndex.of(application);
  }

  grantsAt(application: string, resource: string): readonly GrantView[] {
    return this.grantIndex.at(application, resource);
  }

  subjectIssuer(issuer: string): SubjectIssuerView | undefined {
    return this.issuerIndex.issuer(issuer);
  }

  grantsAtResource(resource: string): readonly GrantView[] {
    return this.grantIndex.atResource(resource);
  }

  private put(rows: CatalogueRows, goneCredentials: readonly string[] = []): void {
    if (rows.zone) this.facts = factsOf(rows.zone);
    this.applications.update(rows.applications, rows.credentials.map(credentialView), goneCredentials);
    for (const row of rows.providers) this.providers.set(row.id, providerView(row));
    for (const row of rows.resources) {
      const addresses = { gateway: this.addresses.gateway(row.slug), control: this.addresses.control() };
      this.resourceIndex.put(resourceView(row, addresses));
    }
    for (const row of rows.grants) if (row.status === 'active') this.grantIndex.put(grantView(row));
    for (const row of rows.subjectIssuers) this.issuerIndex.put(row);
  }
}

function factsOf(row: ZoneRow): ZoneFacts {
  return {
    id: row.id,
    name: row.name,
    status: row.status,
    epoch: row.epoch,
    settings: deepFreeze(zoneSettings(row.settings)),
  };
}
