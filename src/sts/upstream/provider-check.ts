import type { Socket } from 'node:net';
import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../../kernel/app-error.js';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import type { JsonObject } from '../../kernel/json.js';
import { adminEntry, AuditedChanges } from '../../audit/index.js';
import { Catalogue, ProviderSecrets, type ProviderView, type ZoneView } from '../../control/index.js';
import { EgressGuard, type EgressTerms } from '../../platform/egress/index.js';
import type { ConnectionCall } from './connections.js';
import { TokenGrants } from './token-grants.js';
import { readyProvider, type TokenPlace } from './token-place.js';

/** One thing that was tried. `code` says in a stable word what went wrong, or why it was not tried; never what the other side said. */
export interface CheckResult {
  readonly check: 'secret' | 'token' | 'upstream';
  readonly outcome: 'ok' | 'failed' | 'skipped';
  readonly code?: string;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** A server that does not accept a client certificate says so only after the client's side of the handshake is done (RFC 8446 §4.4.2.4). */
const SECOND_THOUGHTS_MS = 300;

/** Tries a provider without keeping, sending upstream or showing anything: does its secret open, is a token issued, does its place answer. */
@Injectable()
export class ProviderCheck {
  constructor(
    private readonly catalogue: Catalogue,
    private readonly changes: AuditedChanges,
    private readonly secrets: ProviderSecrets,
    private readonly grants: TokenGrants,
    private readonly egress: EgressGuard,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Throws `not_found`, and `conflict` for an archived provider. The attempt is in the ledger before anything leaves. */
  async run(call: ConnectionCall, id: string): Promise<readonly CheckResult[]> {
    const zone = await this.catalogue.zone(call.zone);
    const provider = zone?.provider(id);
    if (!zone || !provider) throw new AppError('not_found', 'There is no such object.');
    if (provider.status !== 'active') throw new AppError('conflict', 'The provider is archived.');
    const act = { action: 'providers.test', target: `provider:${id}`, occurredAt: this.clock.now() };
    await this.changes.run(call.zone, async (tx) => tx.record(adminEntry(call.admin, call.origin, act)));
    const secret = this.secret(call.zone, provider);
    if (secret === undefined) return [{ check: 'secret', outcome: 'failed', code: 'does_not_open' }];
    return [
      { check: 'secret', outcome: 'ok' },
      await this.token(call.zone, provider, secret),
      await this.upstream(zone, provider, secret),
    ];
  }

  private secret(zone: string, provider: ProviderView): JsonObject | undefined {
    try {
      return this.secrets.open(zone, provider);
    } catch {
      return undefined;
    }
  }

  private async token(zone: string, view: ProviderView, secret: JsonObject): Promise<CheckResult> {
    const asClient = view.kind === 'oauth2_client_credentials' || view.kind === 'oauth2_jwt_bearer';
    if (!asClient) return { check: 'token', outcome: 'skipped', code: 'needs_a_caller_or_no_token' };
    const provider = readyProvider(view);
    const key = { provider: view.id, subject: '', scopes: provider.scopes, basis: '' };
    const place = { zone, provider, key, secret: () => secret, caller: NOBODY };
    const outcome = await this.grants.request(place);
    return 'fault' in outcome
      ? { check: 'token', outcome: 'failed', code: outcome.code }
      : { check: 'token', outcome: 'ok' };
  }

  private async upstream(zone: ZoneView, provider: ProviderView, secret: JsonObject): Promise<CheckResult> {
    const resource = zone.resources().find((one) => one.provider === provider.id && one.upstreamUrl !== undefined);
    if (resource?.upstreamUrl === undefined) return { check: 'upstream', outcome: 'skipped', code: 'no_resource' };
    const terms: EgressTerms = {
      grants: resource.egress,
      injectsCredential: provider.kind !== 'none',
      identity: provider.kind === 'mtls' ? () => identityOf(provider.config, secret) : undefined,
    };
    try {
      await lasts(await this.dial(new URL(resource.upstreamUrl), terms));
      return { check: 'upstream', outcome: 'ok' };
    } catch (error) {
      const code = error instanceof AppError ? error.code : 'unreachable';
      return { check: 'upstream', outcome: 'failed', code };
    }
  }

  private dial({ protocol, host, hostname, port }: URL, terms: EgressTerms): Promise<Socket> {
    const connect = this.egress.connector(terms, CONNECT_TIMEOUT_MS);
    return new Promise((resolve, reject) => {
      connect({ protocol, host, hostname, port }, (error, socket) => {
        if (socket) resolve(socket);
        else reject(error ?? new Error('no connection'));
      });
    });
  }
}

const NOBODY = {
  claims: { sub: '', sub_type: 'application' },
  resource: '',
  subjectToken: () => Promise.reject(new Error('nobody calls')),
} as unknown as TokenPlace['caller'];

function identityOf(config: JsonObject, secret: JsonObject): ReturnType<NonNullable<EgressTerms['identity']>> {
  return {
    certificate: config['certificate'] as string,
    privateKey: secret['private_key'] as string,
    ca: config['ca_certificate'] as string | undefined,
  };
}

/** Resolves when the peer did not end the connection at once; it is closed in any case. */
function lasts(socket: Socket): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, SECOND_THOUGHTS_MS);
    const gone = (error?: unknown): void => {
      clearTimeout(timer);
      reject(error instanceof Error ? error : new Error('the peer closed the connection'));
    };
    socket.once('error', gone).once('end', gone).once('close', gone);
    socket.resume();
  }).finally(() => {
    socket.removeAllListeners('error').on('error', () => undefined);
    socket.destroy();
  });
}
