import { isJsonObject, type JsonObject, parseJsonStrict } from '../../kernel/json.js';
import { type EgressClient, type OutboundAnswer, RemoteKeys } from '../../platform/egress/index.js';

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 131_072;
const MAX_DEPTH = 16;
const DISCOVERY = '/.well-known/openid-configuration';

/**
 * The keys of OpenID providers by discovery (OIDC Discovery §4): the document must be the issuer's own, and the way to its keys is looked up anew
 * with every fetch. Both requests go through the egress guard and follow no redirect.
 */
export class ProviderKeys {
  private readonly remote: RemoteKeys;

  constructor(
    private readonly egress: Pick<EgressClient, 'request'>,
    monotonic: () => number,
  ) {
    this.remote = new RemoteKeys((issuer) => this.fetch(issuer), monotonic);
  }

  /** Undefined when the provider cannot be asked. `isEnough` says whether what is held serves; if not, it is fetched anew, once per interval. */
  of(issuer: string, isEnough: (keys: readonly JsonObject[]) => boolean): Promise<readonly JsonObject[] | undefined> {
    return this.remote.at(issuer, isEnough);
  }

  private async fetch(issuer: string): Promise<OutboundAnswer> {
    const { status, body } = await this.get(`${issuer.replace(/\/$/, '')}${DISCOVERY}`);
    const metadata = status === 200 ? parseJsonStrict(body.toString('utf8'), { maxDepth: MAX_DEPTH }) : undefined;
    if (!isJsonObject(metadata) || metadata['issuer'] !== issuer) throw new Error('not the metadata of this issuer');
    const { jwks_uri: keysAt } = metadata;
    if (typeof keysAt !== 'string') throw new Error('the metadata names no keys');
    return this.get(keysAt);
  }

  private get(url: string): Promise<OutboundAnswer> {
    const headers = { accept: 'application/json, application/jwk-set+json' };
    return this.egress.request({ url, headers, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES });
  }
}
