import { Injectable } from '@nestjs/common';
import { AuditLedger } from '../audit/index.js';
import type { AuthenticatedCall } from './caller-authentication.js';
import { invalidClient } from './domain/presented-client.js';

/** Spends proofs that work once at endpoints whose own work is no decision and writes no entry that could carry the claim. */
@Injectable()
export class ClientProofs {
  constructor(private readonly ledger: AuditLedger) {}

  /** Throws `invalid_client` when the proof was used before (RFC 7523 §3, `jti`). */
  async spend({ client, notes }: AuthenticatedCall): Promise<void> {
    if (client.once.length === 0) return;
    const appended = await this.ledger.append(notes.draft('client_auth', { decision: 'allow' }), client.once);
    notes.recorded = true;
    if (appended.replayed) throw invalidClient('the assertion was used before');
  }
}
