import { Injectable } from '@nestjs/common';
import { OAuthError } from '../kernel/oauth-error.js';
import { PublicUrls } from '../platform/urls/index.js';
import type { OnceClaim } from '../audit/index.js';
import { ProofsOfPossession, type ProvenKey } from '../auth/index.js';
import type { ZoneView } from '../control/index.js';
import { type AuthenticatedCall, CallerAuthentication, type OAuthCall } from './caller-authentication.js';
import { presentsSessionAlone, SessionClients } from './clients/session-clients.js';
import { RefusalRecord } from './refusal-record.js';

/** A caller of the token endpoint: its client, and the key that it proved when it proved one. */
export interface TokenCaller extends AuthenticatedCall {
  readonly key?: ProvenKey | undefined;
  readonly once: readonly OnceClaim[];
}

type Proven = { readonly key?: ProvenKey } | { readonly refusal: OAuthError };

/** Who calls the token endpoint: a client, or a session that proves its key in the client's stead; and for which key (RFC 9449 §5). */
@Injectable()
export class TokenCallers {
  constructor(
    private readonly callers: CallerAuthentication,
    private readonly sessions: SessionClients,
    private readonly proofs: ProofsOfPossession,
    private readonly refusals: RefusalRecord,
    private readonly urls: PublicUrls,
  ) {}

  async authenticate(call: OAuthCall, now: number): Promise<TokenCaller> {
    const proven = this.prove(await this.callers.zone(call.zone), call);
    const caller = await this.callers.authenticate(call, now, async (zone) => {
      if (!presentsSessionAlone(call)) return undefined;
      return this.sessions.authenticate(zone, call.form, keyOf(proven), now);
    });
    if (!('refusal' in proven)) {
      if (proven.key) caller.notes.add({ detail: { dpop_jkt: proven.key.jkt } });
      const once = [...caller.client.once, ...(proven.key ? [proven.key.once] : [])];
      return { zone: caller.zone, client: caller.client, notes: caller.notes, key: proven.key, once };
    }
    // A client that is told to use a nonce sends the same request again; its assertion is not spent by the answer.
    const spent = proven.refusal.code === 'use_dpop_nonce' ? [] : caller.client.once;
    throw await this.refusals.record(proven.refusal, caller.notes, spent);
  }

  /** What the next proof must carry; undefined where the zone asks for none. */
  async nonce(zone: string): Promise<string | undefined> {
    const { settings, slug } = await this.callers.zone(zone);
    return settings.dpop_nonce === 'required' ? this.proofs.nonce(slug) : undefined;
  }

  private prove({ slug, settings }: ZoneView, { dpop }: OAuthCall): Proven {
    if (dpop.length === 0) return {};
    const verdict = this.proofs.judge({
      zone: slug,
      fields: dpop,
      method: 'POST',
      url: this.urls.tokenEndpoint(slug),
      nonce: settings.dpop_nonce,
    });
    if ('key' in verdict) return verdict;
    const text =
      verdict.error === 'use_dpop_nonce' ? 'the proof needs a nonce of this server' : 'the proof is not valid';
    return { refusal: new OAuthError(verdict.error, text, { detail: verdict.detail }) };
  }
}

function keyOf(proven: Proven): ProvenKey | undefined {
  if ('refusal' in proven) throw proven.refusal;
  return proven.key;
}
