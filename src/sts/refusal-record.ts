import { Injectable } from '@nestjs/common';
import { AuditLedger, type OnceClaim } from '../audit/index.js';
import { OAuthError } from '../kernel/oauth-error.js';
import { replayedProof } from './domain/refusals.js';
import type { EntryNotes } from './entry-notes.js';

/** Sees to it that every refusal of a known zone is one ledger entry: with its reason, without a byte of any token. */
@Injectable()
export class RefusalRecord {
  constructor(private readonly ledger: AuditLedger) {}

  /**
   * Records the refusal and returns what to throw: the refusal itself, or another one when the ledger says so. `once` are the claims of an
   * authenticated client's proof; undefined when nobody was authenticated, and then abusive repetition is counted instead of written.
   */
  async record(error: unknown, notes: EntryNotes, once: readonly OnceClaim[] | undefined): Promise<unknown> {
    if (notes.recorded || !(error instanceof OAuthError) || error.status >= 500) return error;
    const decision = error.code === 'authorization_pending' ? 'hold' : 'deny';
    const entry = notes.draft(entryType(error), { decision, reasons: notes.reasons ?? [reasonOf(error)] });
    if (once === undefined) {
      await this.ledger.refusal(entry);
      return error;
    }
    const appended = await this.ledger.append(entry, once);
    return appended.replayed ? replayedProof(appended.lost) : error;
  }
}

function entryType(error: OAuthError): string {
  return error.code === 'invalid_client' ? 'client_auth' : 'exchange';
}

function reasonOf(error: OAuthError): string {
  const reason = error.members?.['reason'];
  return typeof reason === 'string' ? reason : error.code;
}
