import { beforeEach, describe, expect, it } from '@jest/globals';
import type { AuditLedger, EntryDraft, OnceClaim } from '../audit/index.js';
import {
  type ProofsOfPossession,
  type TokenClaims,
  TokenError,
  type TokenSigner,
  type TokenVerifier,
} from '../auth/index.js';
import type { ApprovalUse, Catalogue, Holds, ZoneView } from '../control/index.js';
import type { RuntimeState, SubjectProofs } from '../coordinator/index.js';
import { AppError } from '../kernel/app-error.js';
import type { JsonObject } from '../kernel/json.js';
import type { ChangeFeed } from '../platform/changes/index.js';
import type { Database } from '../platform/database/index.js';
import { PublicUrls } from '../platform/urls/index.js';
import { PolicySets } from '../policy/index.js';
import { MandateApprovals } from './approvals/mandate-approvals.js';
import { CallerAuthentication } from './caller-authentication.js';
import { ClientAuthentication } from './clients/client-authentication.js';
import type { ClientKeys } from './clients/client-keys.js';
import type { SessionClients } from './clients/session-clients.js';
import { ClientCredentialsGrant } from './grants/client-credentials.js';
import { Issuance } from './grants/issuance.js';
import { Lineages } from './grants/lineages.js';
import { Mandates } from './grants/mandates.js';
import { TokenPresentation } from './grants/presented-tokens.js';
import { TokenBases } from './grants/token-bases.js';
import { TokenExchangeGrant } from './grants/token-exchange.js';
import { RefusalRecord } from './refusal-record.js';
import { TokenCallers } from './token-callers.js';
import { TokenEndpoint } from './token-endpoint.js';

const NOW = 1_700_000_000_000;
const MAC = Buffer.alloc(32, 7);
const CLIENT = { client_id: 'app_1', client_secret: 'right' };
const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';

const RESOURCE = {
  id: 'res_1',
  identifier: 'https://api.example',
  gatewayUrl: 'http://caracal/g/a/r',
  enforcement: 'gateway',
  scopes: new Set(['read', 'write']),
  singleUse: false,
  status: 'active',
};

/** The collaborators of the token endpoint, as far as it uses them; each test changes what it is about. */
class World {
  zone = { slug: 'a', status: 'active', epoch: 1 };
  application = {
    id: 'app_1',
    status: 'active',
    epoch: 2,
    credentials: [{ id: 'crd_1', type: 'client_secret', secretMac: MAC }],
  };
  granted = ['read'];
  verdict: (claims: TokenClaims) => string = () => 'active';
  revocations = 0;
  presented: Partial<TokenClaims> | undefined;
  entries: EntryDraft[] = [];
  coalescable: EntryDraft[] = [];
  claimed: OnceClaim[] = [];
  signed: TokenClaims[] = [];
  fits = true;
  /** What happens while the ledger commits. */
  onAppend: () => boolean = () => false;
  onSign: () => void = () => undefined;

  readonly endpoint = this.build();

  token(fields: Record<string, string>, address = '192.0.2.1'): Promise<JsonObject> {
    const values = (name: string): string[] => (fields[name] === undefined ? [] : [fields[name]]);
    return this.endpoint.token({
      zone: 'a',
      form: { values },
      authorization: [],
      dpop: [],
      facts: { requestId: 'req', address },
    });
  }

  private build(): TokenEndpoint {
    const ledger = this.ledger() as unknown as AuditLedger;
    const runtime = this.runtime() as unknown as RuntimeState;
    const signer = {
      fits: () => Promise.resolve(this.fits),
      sign: (_zone: string, _klass: string, claims: TokenClaims) => {
        this.onSign();
        return Promise.resolve(`signed-${this.signed.push(claims)}`);
      },
    };
    const urls = new PublicUrls('http://caracal');
    const secrets = (secret: string) => (secret === 'right' ? MAC : Buffer.alloc(32, 1));
    const clients = new ClientAuthentication(secrets, {} as ClientKeys, urls);
    const refusals = new RefusalRecord(ledger);
    const noPolicies = { readZone: () => Promise.resolve(undefined) } as unknown as Database;
    const quiet = { subscribe: () => undefined, onReset: () => undefined } as unknown as ChangeFeed;
    const policies = new PolicySets(noPolicies, quiet);
    const callers = new CallerAuthentication(
      { zone: () => Promise.resolve(this.view()) } as unknown as Catalogue,
      clients,
      refusals,
      policies,
    );
    const issuance = new Issuance(ledger, runtime, signer as unknown as TokenSigner, {} as ApprovalUse);
    const bases = new TokenBases(urls, runtime);
    const mandates = new Mandates(policies, bases, issuance, new MandateApprovals({} as Holds), {} as ApprovalUse);
    const exchange = new TokenExchangeGrant(
      new TokenPresentation(this.verifier() as unknown as TokenVerifier, runtime, {} as SubjectProofs),
      new Lineages(runtime),
      mandates,
    );
    const clock = { now: () => NOW, monotonic: () => 0 };
    return new TokenEndpoint(
      clock,
      new TokenCallers(callers, {} as SessionClients, {} as ProofsOfPossession, refusals, urls),
      runtime,
      refusals,
      [new ClientCredentialsGrant(mandates, bases, issuance), exchange],
    );
  }

  private view(): ZoneView {
    const find = (uri: string) => (uri === RESOURCE.identifier || uri === RESOURCE.gatewayUrl ? RESOURCE : undefined);
    const grants = () => [{ scopes: new Set(this.granted) }];
    const application = (id: string) => (id === 'app_1' ? this.application : undefined);
    const { zone } = this;
    return {
      slug: zone.slug,
      epoch: zone.epoch,
      settings: { token_lifetimes: { application_seconds: 900, mandate_seconds: 300 } },
      get status() {
        return zone.status;
      },
      application,
      grants,
      grantsAt: grants,
      resourceByTarget: find,
      resourceByIdentifier: find,
    } as unknown as ZoneView;
  }

  private ledger() {
    const append = (draft: EntryDraft, once: OnceClaim[] = []) => {
      this.claimed.push(...once);
      const replayed = this.onAppend();
      return Promise.resolve({ zone: 'a', index: this.entries.push(draft) - 1, replayed, lost: [] });
    };
    return { append, refusal: (draft: EntryDraft) => Promise.resolve(this.coalescable.push(draft)) };
  }

  private runtime() {
    return {
      revocationCount: () => this.revocations,
      verdict: (_zone: string, claims: TokenClaims) => Promise.resolve(this.verdict(claims)),
      subjectEpoch: () => Promise.resolve(0),
      session: () => Promise.resolve(undefined),
      delegation: () => Promise.resolve(undefined),
      delegationsTo: () => Promise.resolve([]),
    };
  }

  private verifier() {
    return {
      verify: () =>
        this.presented ? Promise.resolve({ claims: this.presented }) : Promise.reject(new TokenError('signature')),
    };
  }
}

const SUBJECT: Partial<TokenClaims> = {
  jti: 'jti-1',
  sub: 'app:app_1',
  client_id: 'app_1',
  exp: NOW / 1000 + 600,
  txn: 'txn-1',
  ep: { z: 1, a: 2, s: 0 },
};
const CREDENTIALS = { grant_type: 'client_credentials', ...CLIENT };
const EXCHANGE = {
  grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
  ...CLIENT,
  subject_token: 't',
  subject_token_type: TOKEN_TYPE,
  resource: RESOURCE.gatewayUrl,
};

describe('token endpoint', () => {
  let world: World;

  beforeEach(() => {
    world = new World();
    world.presented = SUBJECT;
  });

  it('records before it signs, and answers with the receipt', async () => {
    world.onAppend = () => {
      expect(world.signed).toEqual([]);
      return false;
    };
    expect(await world.token(EXCHANGE)).toMatchObject({
      access_token: 'signed-1',
      scope: 'read',
      receipt: { zone: 'a', index: 0 },
    });
    expect(world.entries).toMatchObject([
      {
        type: 'exchange',
        decision: 'allow',
        txn: 'txn-1',
        subject: 'app:app_1',
        resource: RESOURCE.identifier,
        scopes: ['read'],
        token: { jti: world.signed[0]?.jti },
      },
    ]);
  });

  it('[T6] issues nothing when the ledger cannot be written', async () => {
    world.onAppend = () => {
      throw new AppError('temporarily_unavailable', 'no ledger');
    };
    await expect(world.token(CREDENTIALS)).rejects.toMatchObject({ code: 'temporarily_unavailable' });
    await expect(world.token({ ...CREDENTIALS, scope: 'other' })).rejects.toMatchObject({
      code: 'temporarily_unavailable',
    });
    expect(world.signed).toEqual([]);
  });

  it('[T2] withholds a token whose authority was revoked while its entry was committed', async () => {
    let revoked = false;
    world.verdict = () => (revoked ? 'revoked' : 'active');
    world.onAppend = () => {
      revoked = true;
      world.revocations += 1;
      return false;
    };
    await expect(world.token(EXCHANGE)).rejects.toMatchObject({ code: 'invalid_request' });
    expect(world.signed).toEqual([]);
    expect(world.entries).toMatchObject([
      { decision: 'allow' },
      { decision: 'deny', reasons: ['withheld'], token: world.entries[0]?.token },
    ]);
  });

  it('[T2] withholds a token whose authority was revoked while it was signed', async () => {
    let revoked = false;
    world.verdict = () => (revoked ? 'revoked' : 'active');
    world.onSign = () => {
      revoked = true;
      world.revocations += 1;
    };
    await expect(world.token(EXCHANGE)).rejects.toMatchObject({ code: 'invalid_request' });
    expect(world.entries).toMatchObject([{ decision: 'allow' }, { decision: 'deny', reasons: ['withheld'] }]);
  });

  it('[T2] checks again, and issues, when something else was revoked meanwhile', async () => {
    world.onAppend = () => {
      world.revocations += 1;
      return false;
    };
    expect(await world.token(EXCHANGE)).toHaveProperty('access_token');
    expect(world.entries).toHaveLength(1);
  });

  it('[T2] withholds when the zone is killed meanwhile', async () => {
    world.onAppend = () => {
      world.zone.status = 'killed';
      world.revocations += 1;
      return false;
    };
    await expect(world.token(CREDENTIALS)).rejects.toMatchObject({ code: 'access_denied' });
    expect(world.signed).toEqual([]);
  });

  it('[T2] a token that would be refused at its first use is not issued', async () => {
    world.verdict = (claims) => (claims.jti === 'jti-1' ? 'active' : 'revoked');
    await expect(world.token(EXCHANGE)).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(world.token(CREDENTIALS)).rejects.toMatchObject({ code: 'invalid_client' });
    expect(world.entries.map((entry) => entry.decision)).toEqual(['deny', 'deny']);
  });

  it('[T6] each refusal of a client is one entry with its reason', async () => {
    const refusals: [Record<string, string>, string][] = [
      [{ ...EXCHANGE, scope: 'write' }, 'invalid_scope'],
      [{ ...EXCHANGE, resource: 'https://other.example' }, 'invalid_target'],
      [{ ...EXCHANGE, lifetime: '10000' }, 'invalid_request'],
      [{ ...CREDENTIALS, grant_type: 'password' }, 'unsupported_grant_type'],
    ];
    for (const [fields, code] of refusals) await expect(world.token(fields)).rejects.toMatchObject({ code });
    expect(world.entries.map((entry) => [entry.type, entry.decision, entry.reasons])).toEqual(
      refusals.map(([, code]) => ['exchange', 'deny', [code]]),
    );
    expect(world.entries[0]).toMatchObject({
      application: 'app_1',
      subject: 'app:app_1',
      resource: RESOURCE.identifier,
    });
    expect(world.signed).toEqual([]);
  });

  it('[T6] a refusal of somebody unknown may be coalesced', async () => {
    await expect(world.token({ ...CREDENTIALS, client_secret: 'wrong' })).rejects.toMatchObject({
      code: 'invalid_client',
    });
    await expect(world.token({ ...CREDENTIALS, client_id: 'app_2' })).rejects.toMatchObject({ code: 'invalid_client' });
    expect(world.entries).toEqual([]);
    expect(world.coalescable.map((entry) => [entry.type, entry.decision, entry.application])).toEqual([
      ['client_auth', 'deny', undefined],
      ['client_auth', 'deny', undefined],
    ]);
  });

  it('[T2] a killed zone refuses with access_denied', async () => {
    world.zone.status = 'killed';
    await expect(world.token(CREDENTIALS)).rejects.toMatchObject({
      code: 'access_denied',
      status: 403,
      members: { reason: 'zone_killed' },
    });
    expect(world.entries).toMatchObject([{ decision: 'deny', reasons: ['zone_killed'] }]);
  });

  it('an archived zone is not there', async () => {
    world.zone.status = 'archived';
    await expect(world.token(CREDENTIALS)).rejects.toMatchObject({ code: 'not_found' });
  });

  const unusable: [string, (state: World) => void][] = [
    ['a token that does not verify', (state) => (state.presented = undefined)],
    ['another application’s token', (state) => (state.presented = { ...SUBJECT, client_id: 'app_2' })],
    ['a revoked token', (state) => (state.verdict = (claims) => (claims.jti === 'jti-1' ? 'revoked' : 'active'))],
    [
      'a suspended session’s token',
      (state) => (state.verdict = (claims) => (claims.jti === 'jti-1' ? 'suspended' : 'active')),
    ],
    ['a token of a session that is gone', (state) => (state.presented = { ...SUBJECT, sid: 'ses_1' })],
  ];
  it.each(unusable)('[T2] %s has the one body of all unusable tokens (RFC 8693 §2.2.2)', async (_name, change) => {
    change(world);
    await expect(world.token(EXCHANGE)).rejects.toMatchObject({
      code: 'invalid_request',
      description: 'the subject or actor token cannot be used',
    });
  });

  it('[T2] a bound token without its proof does not become an unbound one (RFC 9449 §5)', async () => {
    world.presented = { ...SUBJECT, cnf: { jkt: 'x' } };
    await expect(world.token(EXCHANGE)).rejects.toMatchObject({ code: 'invalid_dpop_proof' });
  });

  it('[T2] a token that would exceed its class is refused before the ledger says allow', async () => {
    world.fits = false;
    await expect(world.token(CREDENTIALS)).rejects.toMatchObject({ code: 'invalid_request' });
    expect([world.entries.map((entry) => entry.decision), world.signed]).toEqual([['deny'], []]);
  });

  it('[T2] a hundred failures end the attempts on a client from one address, real or not, for the minute', async () => {
    for (const client_id of ['app_1', 'app_none']) {
      const wrong = { ...CREDENTIALS, client_id, client_secret: 'wrong' };
      for (let failure = 0; failure < 100; failure += 1)
        await expect(world.token(wrong)).rejects.toMatchObject({ code: 'invalid_client', status: 401 });
      const limited = { code: 'temporarily_unavailable', status: 429, retryAfter: 60 };
      await expect(world.token(wrong)).rejects.toMatchObject(limited);
      await expect(world.token({ ...wrong, client_secret: 'right' })).rejects.toMatchObject(limited);
    }
    await expect(world.token(CREDENTIALS, '192.0.2.2')).resolves.toMatchObject({ token_type: 'Bearer' });
  });

  it.each([
    ['expired', { expiresAt: NOW }],
    ['revoked', { status: 'revoked' }],
    ['archived', { status: 'archived' }],
  ])('[T2] an %s application is no client', async (_name, change) => {
    Object.assign(world.application, change);
    await expect(world.token(CREDENTIALS)).rejects.toMatchObject({ code: 'invalid_client' });
  });

  it.each([
    ['expired', { expiresAt: NOW }],
    ['revoked', { revokedAt: NOW - 1 }],
  ])('[T2] an %s credential proves nothing', async (_name, change) => {
    Object.assign(world.application.credentials[0] as object, change);
    await expect(world.token(CREDENTIALS)).rejects.toMatchObject({ code: 'invalid_client' });
  });

  it('[T2] the new token ends with the application, the subject token and the grant', async () => {
    Object.assign(world.application, { expiresAt: NOW + 90_500 });
    await world.token(EXCHANGE);
    world.presented = { ...SUBJECT, exp: NOW / 1000 + 30 };
    await world.token(EXCHANGE);
    expect(world.signed.map((claims) => claims.exp - NOW / 1000)).toEqual([90, 30]);
  });
});
