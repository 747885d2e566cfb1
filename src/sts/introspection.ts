import { Injectable } from '@nestjs/common';
import type { JsonObject } from '../kernel/json.js';
import { epochSeconds } from '../kernel/times.js';
import { PublicUrls } from '../platform/urls/index.js';
import { TokenSigner } from '../auth/index.js';
import { RuntimeState } from '../coordinator/index.js';
import type { OAuthCall } from './caller-authentication.js';
import { activeAnswer, INACTIVE, mayIntrospect } from './domain/introspection-answer.js';
import { type TokenQuestion, TokenQuestions } from './token-questions.js';

/** Token introspection (RFC 7662): one and the same `{"active":false}` for everything that is not both live and the caller's to see. */
@Injectable()
export class Introspection {
  constructor(
    private readonly questions: TokenQuestions,
    private readonly runtime: RuntimeState,
    private readonly signer: TokenSigner,
    private readonly urls: PublicUrls,
  ) {}

  introspect(call: OAuthCall): Promise<JsonObject> {
    return this.questions.answer(call, (question) => this.look(question));
  }

  /** The same answer, signed for the caller (RFC 9701 §5). It names no `sub` and no `exp` of its own, so that nobody takes it for a token. */
  introspectSigned(call: OAuthCall): Promise<string> {
    return this.questions.answer(call, async (question) => {
      const { zone, client, now } = question;
      return this.signer.state(zone.slug, 'token-introspection+jwt', {
        iss: this.urls.issuer(zone.slug),
        aud: client.application.id,
        iat: epochSeconds(now),
        token_introspection: await this.look(question),
      });
    });
  }

  private async look({ zone, client, claims, now }: TokenQuestion): Promise<JsonObject> {
    const serverOf = (audience: string): string | undefined => zone.resourceByIdentifier(audience)?.serverApplication;
    if (!claims || !mayIntrospect(claims, client.application.id, serverOf)) return INACTIVE;
    const verdict = await this.runtime.verdict(zone.slug, claims, now);
    return verdict === 'active' ? activeAnswer(claims) : INACTIVE;
  }
}
