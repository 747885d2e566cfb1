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

type Noted = Omit<Partial<EntryDraft>, 'type' | 'zone' | 'occurredAt' | 'actor' | 'requestId' | 'traceId' | 'client'>;

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

  draft(type: string, more: Noted = {}): EntryDraft {
    const { requestId, traceId, address, userAgent } = this.facts;
    const policy = withHashedArguments(
      'policy' in more ? more.policy : this.noted.policy,
      this.noted.operation?.['mcp'],
    );
    return {
      ...this.noted,
      ...more,
      policy,
      type,
      zone: this.zone,
      occurredAt: this.occurredAt,
      actor: this.claims ? { kind: 'agent', id: this.claims.client_id, token: this.claims.jti } : { kind: 'agent' },
      requestId,
      traceId,
      client: { address, user_agent: userAgent },
    };
  }
}
