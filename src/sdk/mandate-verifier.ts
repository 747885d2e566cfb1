import { epochSeconds } from '../kernel/times.js';
import { checkMandate, type Mandate, readMandate } from './checked-mandate.js';
import { checkProof, PROOF_SECONDS } from './checked-proof.js';
import { Introspection, type IntrospectionOptions } from './introspection.js';
import { MandateError } from './mandate-error.js';
import { PublishedKeys } from './published-keys.js';

export interface MandateVerifierOptions {
  /** The zone's issuer, `{base}/z/{zone}`. */
  readonly issuer: string;
  /** The identifier of this resource. */
  readonly audience: string;
  /** Ask the issuer whether mandates were revoked; without it they count until they expire. */
  readonly introspection?: IntrospectionOptions;
  /** Takes the one use of a proof; false when it was taken. By default within this process only. */
  readonly claimProof?: (key: string, seconds: number) => boolean | Promise<boolean>;
  readonly fetch?: typeof fetch;
  readonly now?: () => number;
}

/** A request as far as its authority goes. */
export interface PresentedRequest {
  readonly method: string;
  /** As the caller sees it; proofs name it. */
  readonly url: string;
  /** Every value of `Authorization` and of `DPoP`. */
  readonly authorization: readonly string[];
  readonly dpop: readonly string[];
}

const CREDENTIALS = /^(Bearer|DPoP) ([A-Za-z0-9._~+/-]+=*)$/i;

/** Verifies the mandates of one issuer for one resource, as a resource server that enforces by itself (RFC 9068 §4, RFC 9449 §7). */
export class MandateVerifier {
  private readonly keys: PublishedKeys;
  private readonly introspection: Introspection | undefined;
  private readonly claimProof: NonNullable<MandateVerifierOptions['claimProof']>;
  private readonly now: () => number;

  constructor(private readonly options: MandateVerifierOptions) {
    const { issuer, introspection } = options;
    const call = options.fetch ?? fetch;
    this.now = options.now ?? Date.now;
    this.keys = new PublishedKeys({ url: `${issuer}/jwks.json`, fetch: call, now: this.now });
    this.introspection = introspection && new Introspection({ ...introspection, issuer, fetch: call, now: this.now });
    this.claimProof = options.claimProof ?? claimsInProcess(this.now);
  }

  /** The mandate of a request that holds every scope it needs; rejects with {@link MandateError}. */
  async verify(request: PresentedRequest, scopes: readonly string[] = []): Promise<Mandate> {
    const { scheme, token } = credentialsOf(request);
    const { jws, kid } = readMandate(token);
    const key = await this.keys.key(kid);
    if (!key) throw new MandateError('invalid_token', 'signed by a key that the issuer does not publish');
    const now = epochSeconds(this.now());
    const { issuer, audience } = this.options;
    const mandate = checkMandate(jws, key, { issuer, audience, now });
    await this.requireProof(mandate, { request, scheme, token, now });
    if (this.introspection && !(await this.introspection.isActive(token, mandate.expiresAt)))
      throw new MandateError('invalid_token', 'revoked');
    const missing = scopes.filter((scope) => !mandate.scopes.has(scope));
    if (missing.length > 0) throw new MandateError('insufficient_scope', `lacks ${missing.join(' ')}`);
    return mandate;
  }

  private async requireProof(
    { boundTo }: Mandate,
    { request, scheme, token, now }: { request: PresentedRequest; scheme: string; token: string; now: number },
  ): Promise<void> {
    if (boundTo === undefined && scheme === 'bearer') return;
    if (boundTo === undefined) throw new MandateError('invalid_token', 'not bound to a key');
    const [proof, ...others] = request.dpop;
    if (scheme !== 'dpop') throw new MandateError('invalid_token', 'a bound mandate presented as bearer');
    if (proof === undefined || others.length > 0) throw new MandateError('invalid_dpop_proof', 'not one proof');
    const jti = checkProof(proof, { method: request.method, url: request.url, token, boundTo, now });
    if (!(await this.claimProof(`${boundTo}/${jti}`, 2 * PROOF_SECONDS)))
      throw new MandateError('invalid_dpop_proof', 'used before');
  }
}

function credentialsOf({ authorization }: PresentedRequest): { readonly scheme: string; readonly token: string } {
  const [value, ...others] = authorization;
  if (value === undefined) throw new MandateError('no_token', 'no credentials');
  const found = others.length === 0 ? CREDENTIALS.exec(value) : null;
  if (!found) throw new MandateError('invalid_token', 'not one token of a known scheme');
  return { scheme: (found[1] as string).toLowerCase(), token: found[2] as string };
}

const MOST_CLAIMS = 100_000;

/** Remembers what was used while it could be used again. When there is too much to remember, nothing more is accepted. */
function claimsInProcess(now: () => number): (key: string, seconds: number) => boolean {
  const until = new Map<string, number>();
  return (key, seconds) => {
    const time = now();
    // Every entry lives equally long, so the oldest are first.
    for (const [known, end] of until) {
      if (end > time) break;
      until.delete(known);
    }
    if (until.has(key) || until.size >= MOST_CLAIMS) return false;
    until.set(key, time + seconds * 1_000);
    return true;
  };
}
