import type { JsonObject } from '../../kernel/json.js';
import type { OnceClaim } from '../../audit/index.js';
import type { ProvenKey } from '../../auth/index.js';
import type { RequestFacts } from '../../platform/http/index.js';
import type { ZoneView } from '../../control/index.js';
import type { AuthenticatedClient } from '../clients/client-authentication.js';
import type { ParameterNames, Parameters } from '../domain/parameters.js';
import type { EntryNotes } from '../entry-notes.js';

/** One request of an authenticated client to the token endpoint. */
export interface TokenRequest {
  readonly zone: ZoneView;
  readonly client: AuthenticatedClient;
  /** The key whose holder sent the request; what is issued is bound to it (RFC 9449 §5). */
  readonly key?: ProvenKey | undefined;
  /** Every proof of the request that works once; taken with its ledger entry. */
  readonly once: readonly OnceClaim[];
  readonly parameters: Parameters;
  readonly facts: RequestFacts;
  /** Milliseconds; fixed once, the only clock this request reads. */
  readonly now: number;
  /** The zone's revocation count before anything was checked. */
  readonly revocations: number;
  /** What the ledger entry will say, filled in as it becomes known. */
  readonly notes: EntryNotes;
}

/** DI token of every {@link Grant} there is. */
export const GRANTS = Symbol('Grants');

/** One grant type of the token endpoint (RFC 6749 §4): what it is called, what it reads, what it does. */
export interface Grant {
  readonly grantType: string;
  readonly parameters: ParameterNames;
  /** The answer of a success (RFC 6749 §5.1); every refusal is thrown as an OAuthError. */
  handle(request: TokenRequest): Promise<JsonObject>;
}
