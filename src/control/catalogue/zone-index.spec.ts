import { describe, expect, it } from '@jest/globals';
import type { CatalogueRows, ChangedIds } from '../persistence/catalogue-rows.js';
import type { ApplicationRow } from '../domain/application.js';
import type { CredentialRow } from '../domain/credentials/credential.js';
import type { GrantRow } from '../domain/grant.js';
import type { ProviderRow } from '../domain/providers/provider.js';
import type { ResourceRow } from '../domain/resources/resource.js';
import type { ZoneRow } from '../domain/zone.js';
import { ZoneIndex } from './zone-index.js';

const dates = { createdAt: new Date(0), updatedAt: new Date(0), archivedAt: null, version: 1 };
const zone: ZoneRow = {
  id: 'zon_1',
  slug: 'acme',
  name: 'Acme',
  status: 'active',
  epoch: 0,
  settings: {},
  logOrigin: 'o',
  logVkey: 'v',
  logHistory: [],
  logRetiredKeys: [],
  ...dates,
};
const application: ApplicationRow = {
  id: 'app_1',
  slug: 'a',
  name: 'A',
  status: 'active',
  epoch: 0,
  allowedLabels: ['x'],
  limits: {},
  settings: {},
  expiresAt: null,
  ...dates,
};
const credential: CredentialRow = {
  id: 'crd_1',
  application: 'app_1',
  type: 'client_secret',
  secretMac: Buffer.from('m'),
  jwks: null,
  details: {},
  createdAt: new Date(0),
  expiresAt: null,
  revokedAt: null,
};
const resource: ResourceRow = {
  id: 'res_1',
  slug: 'api',
  identifier: 'https://api.example',
  name: 'API',
  upstreamUrl: 'https://api.example',
  enforcement: 'gateway',
  scopes: [{ name: 'read' }],
  authorizationDetailsTypes: [],
  operations: [{ method: 'GET', path: '/**', scope: 'read' }],
  provider: 'prv_1',
  egress: { allow: [{ cidr: '10.0.0.0/8', port: 443 }] },
  limits: {},
  options: { single_use: true },
  serverApplication: null,
  status: 'active',
  ...dates,
};
const provider: ProviderRow = {
  id: 'prv_1',
  name: 'P',
  kind: 'bearer',
  config: {},
  secretSealed: Buffer.from('s'),
  secretVersion: 1,
  boundOrigin: null,
  status: 'active',
  ...dates,
};
const grant: GrantRow = {
  id: 'gra_1',
  application: 'app_1',
  resource: 'res_1',
  scopes: ['read'],
  label: null,
  expiresAt: null,
  status: 'active',
  ...dates,
};

const rows: CatalogueRows & { zone: ZoneRow } = {
  zone,
  applications: [application],
  credentials: [credential],
  providers: [provider],
  resources: [resource],
  grants: [grant],
  subjectIssuers: [],
};
const nothing: CatalogueRows = {
  applications: [],
  credentials: [],
  providers: [],
  resources: [],
  grants: [],
  subjectIssuers: [],
};
const none: ChangedIds = {
  zone: false,
  application: [],
  credential: [],
  provider: [],
  resource: [],
  grant: [],
  subjectIssuer: [],
};

function index(more: Partial<CatalogueRows> = {}): ZoneIndex {
  return new ZoneIndex(
    'acme',
    { ...rows, ...more, zone },
    {
      gateway: (slug) => `https://caracal.example/g/acme/${slug}`,
      control: () => 'https://caracal.example/control/v1/invoke',
    },
  );
}

describe('a zone in memory', () => {
  it('finds resources by id, slug, identifier and gateway URL', () => {
    const view = index();
    const found = view.resource('res_1');
    expect(found).toMatchObject({ gatewayUrl: 'https://caracal.example/g/acme/api', singleUse: true, mcp: false });
    expect(view.resourceBySlug('api')).toBe(found);
    expect(view.resourceByIdentifier('https://api.example')).toBe(found);
    expect(view.resourceByTarget('https://caracal.example/g/acme/api')).toBe(found);
    expect(view.resourceByTarget('https://api.example')).toBe(found);
    expect(view.resources()).toEqual([found]);
  });

  it.each([
    'https://caracal.example/g/acme/',
    'https://caracal.example/g/acme/other',
    'https://caracal.example/g/acme/api/',
    'https://caracal.example/g/other/api',
    'https://api.example/',
  ])('finds nothing at %s', (target) => {
    expect(index().resourceByTarget(target)).toBeUndefined();
  });

  it('does not let a direct resource be named by a gateway URL', () => {
    const view = index({ resources: [{ ...resource, enforcement: 'direct' }] });
    expect(view.resourceByTarget('https://caracal.example/g/acme/api')).toBeUndefined();
    expect(view.resourceByTarget('https://api.example')?.id).toBe('res_1');
  });

  it('keeps an archived resource by id and slug, and frees its identifier for another one', () => {
    const view = index();
    const other = { ...resource, id: 'res_2', slug: 'api-2' };
    view.update(
      { ...none, resource: ['res_1', 'res_2'] },
      { ...nothing, resources: [other, { ...resource, status: 'archived' }] },
    );
    expect(view.resource('res_1')?.status).toBe('archived');
    expect(view.resourceBySlug('api')?.status).toBe('archived');
    expect(view.resourceByIdentifier('https://api.example')?.id).toBe('res_2');
    expect(view.resourceByTarget('https://caracal.example/g/acme/api')).toBeUndefined();
    expect(view.resources().map((found) => found.id)).toEqual(['res_2']);
  });

  it('has the grants of an application at a resource, and forgets them when they are archived or move', () => {
    const view = index({
      grants: [grant, { ...grant, id: 'gra_2', label: 'x' }, { ...grant, id: 'gra_3', resource: 'res_2' }],
    });
    expect(view.grantsAt('app_1', 'res_1').map((held) => held.id)).toEqual(['gra_1', 'gra_2']);
    expect(view.grants('app_1').length).toBe(3);
    view.update({ ...none, grant: ['gra_1'] }, { ...nothing, grants: [{ ...grant, status: 'archived' }] });
    expect(view.grantsAt('app_1', 'res_1').map((held) => held.id)).toEqual(['gra_2']);
    view.update({ ...none, grant: ['gra_2'] }, { ...nothing, grants: [{ ...grant, id: 'gra_2', scopes: ['write'] }] });
    expect([...(view.grantsAt('app_1', 'res_1')[0]?.scopes ?? [])]).toEqual(['write']);
    expect(view.grantsAt('app_2', 'res_1')).toEqual([]);
  });

  it('[T2] shows an application without the credentials that were revoked, and still finds those by id', () => {
    const view = index();
    expect(view.application('app_1')?.credentials.map((held) => held.id)).toEqual(['crd_1']);
    view.update(
      { ...none, credential: ['crd_1'] },
      { ...nothing, credentials: [{ ...credential, revokedAt: new Date(5) }] },
    );
    expect(view.application('app_1')?.credentials).toEqual([]);
    expect(view.credential('crd_1')?.revokedAt).toBe(5);
    view.update({ ...none, credential: ['crd_1'] }, nothing);
    expect(view.credential('crd_1')).toBeUndefined();
  });

  it('takes status, epoch and settings of the zone from what changed', () => {
    const view = index();
    view.update(
      { ...none, zone: true },
      { ...nothing, zone: { ...zone, status: 'killed', epoch: 1, settings: { grace_seconds: 1 } } },
    );
    expect([view.status, view.epoch, view.settings.grace_seconds]).toEqual(['killed', 1, 1]);
  });

  it('hands out nothing that can be changed', () => {
    const view = index();
    for (const object of [
      view.application('app_1'),
      view.resource('res_1'),
      view.provider('prv_1'),
      view.credential('crd_1'),
      view.grantsAt('app_1', 'res_1')[0],
      view.settings,
    ]) {
      expect(Object.isFrozen(object)).toBe(true);
    }
    expect(Object.isFrozen(view.resource('res_1')?.operations[0])).toBe(true);
    expect(Object.isFrozen(view.resource('res_1')?.egress.allow)).toBe(true);
    expect(Object.isFrozen(view.settings.limits)).toBe(true);
  });
});
