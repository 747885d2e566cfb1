import { Injectable } from '@nestjs/common';
import { AuditedChanges } from '../audit/index.js';
import type { TokenClaims } from '../auth/index.js';
import { Revocations } from '../coordinator/index.js';
import type { OAuthCall } from './caller-authentication.js';
import { type TokenQuestion, TokenQuestions } from './token-questions.js';

/** Token revocation (RFC 7009). The token ends and so does everything obtained with it, on this replica before the answer. */
@Injectable()
export class TokenRevocation {
  constructor(
    private readonly questions: TokenQuestions,
    private readonly changes: AuditedChanges,
    private readonly revocations: Revocations,
  ) {}

  /** Resolves alike for a token that was revoked, is unknown, has expired or is another client's: those need nothing done (§2.2). */
  revoke(call: OAuthCall): Promise<void> {
    return this.questions.answer(call, async (question) => {
      const { claims, client } = question;
      if (claims && claims.client_id === client.application.id) await this.end(question, claims);
    });
  }

  private async end({ zone, client, notes }: TokenQuestion, claims: TokenClaims): Promise<void> {
    await this.changes.run(zone.slug, async (tx) => {
      await this.revocations.revoke(tx, {
        kind: 'token',
        id: claims.jti,
        reason: 'revoked by its client',
        actor: `application:${client.application.id}`,
        expiresAt: claims.exp * 1000,
      });
      tx.record(
        notes.draft('token.revoked', {
          subject: claims.sub,
          session: claims.sid,
          txn: claims.txn,
          token: { jti: claims.jti, exp: claims.exp },
        }),
      );
    });
  }
}
