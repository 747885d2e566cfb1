import type { EntryDraft, OnceClaim } from '../audit/index.js';
import type { TokenClaims } from '../auth/index.js';
import type { JsonObject } from '../kernel/json.js';
import type { RequestFacts } from '../platform/http/index.js';
import { withHashedArguments } from './mcp/recorded-arguments.js';

/** Where a call's decision stands in the ledger. */
export interface Receipt {
  readonly zone: string;
  readonly index: number;
}

/** What is known of a call before it is decided. */
type Noted = Partial<
  Pick<EntryDraft, 'subject' | 'application' | 'session' | 'delegation' | 'txn' | 'token' | 'resource' | 'operation'> &
    Pick<EntryDraft, 'scopes' | 'approval' | 'policy'>
>;

/** What an entry says besides. */
type Said = Partial<Pick<EntryDraft, 'decision' | 'reasons' | 'policy' | 'detail'>>;

const LONGEST_PATH = 4_096;

/** What the ledger will say about one call, filled in as it becomes known; a refusal half-way says as much as was known by then. */
export class CallNotes {
  /** Set once the decision is in the ledger: what fails afterwards is no second decision. */
  receipt: Receipt | undefined;
  /** The mandate was verified, so somebody answers for the call. */
  claims: TokenClaims | undefined;
  /** The one use of the proof that came with the mandate, to be taken with the entry. */
  proof: OnceClaim | undefined;
  private readonly noted: Noted = {};

  constructor(
    readonly zone: string,
    private readonly facts: RequestFacts,
    readonly occurredAt: number,
  ) {}

  add(noted: Noted): void {
    Object.assign(this.noted, noted);
  }

  /** Notes on another operation of the same call, with a receipt of its own. */
  fork(): CallNotes {
    const forked = new CallNotes(this.zone, this.facts, this.occurredAt);
    forked.claims = this.claims;
    forked.add(this.noted);
    return forked;
  }

  /** Who acts comes from the verified mandate, never from what the request says. */
  identify(claims: TokenClaims): void {
    this.claims = claims;
    this.add({
      subject: claims.sub,
      application: claims.client_id,
      session: claims.sid,
      delegation: claims.dlg,
      txn: claims.txn,
      approval: claims.apr,
      token: { jti: claims.jti, exp: claims.exp },
    });
  }

  /** The operation as it was asked for; `path` without the query, which may hold what is nobody's business. */
  operation(operation: {
    readonly method: string;
    readonly path: string;
    readonly template?: string;
    readonly mcp?: JsonObject | undefined;
    /** What the operation needs. */
    readonly scopes?: ReadonlySet<string> | undefined;
  }): void {
    const { method, path, template, mcp, scopes } = operation;
    const kept: JsonObject = {
      method,
      path: path.slice(0, LONGEST_PATH),
      ...(template === undefined ? {} : { template }),
      ...(mcp === undefined ? {} : { mcp }),
    };
    this.add({ operation: kept, scopes: scopes && [...scopes].sort() });
  }

  /** Spelled out member by member: an object of one fixed shape is several times faster to make and to write than a copied one. */
  draft(type: string, said: Said = {}): EntryDraft {
    const { noted, facts, claims } = this;
    return {
      type,
      zone: this.zone,
      occurredAt: this.occurredAt,
      requestId: facts.requestId,
      txn: noted.txn,
      actor: claims ? { kind: 'agent', id: claims.client_id, token: claims.jti } : { kind: 'agent' },
      subject: noted.subject,
      application: noted.application,
      session: noted.session,
      delegation: noted.delegation,
      resource: noted.resource,
      operation: noted.operation,
      scopes: noted.scopes,
      decision: said.decision,
      reasons: said.reasons,
      policy: withHashedArguments('policy' in said ? said.policy : noted.policy, noted.operation?.['mcp']),
      token: noted.token,
      approval: noted.approval,
      traceId: facts.traceId,
      client: { address: facts.address, user_agent: facts.userAgent },
      detail: said.detail,
    };
  }
}
