import type { Actor, EntryDraft } from '../audit/index.js';
import type { RequestFacts } from '../platform/http/index.js';

/** The members that become known while a request is handled. */
export type Notes = Omit<
  Partial<EntryDraft>,
  'zone' | 'type' | 'occurredAt' | 'actor' | 'requestId' | 'traceId' | 'client'
>;

/** One ledger entry in the making: a refusal half-way records as much as was known by then. */
export class EntryNotes {
  private readonly noted: Notes = {};
  /** True once the decision is in the ledger: a failure after that is not a second decision. */
  recorded = false;

  constructor(
    private readonly zone: string,
    private readonly facts: RequestFacts,
    private readonly occurredAt: number,
  ) {}

  get reasons(): readonly string[] | undefined {
    return this.noted.reasons;
  }

  /** Later notes win; `detail` is merged. */
  add(notes: Notes): void {
    const { detail } = this.noted;
    Object.assign(this.noted, notes);
    Object.assign(this.noted, { detail: notes.detail === undefined ? detail : { ...detail, ...notes.detail } });
  }

  /** The entry with everything noted so far. Who acts is the authenticated application, never what a request says. */
  draft(type: string, notes: Notes = {}): EntryDraft {
    this.add(notes);
    const { facts, noted } = this;
    const id = noted.application;
    const actor: Actor = id === undefined ? { kind: 'agent' } : { kind: 'agent', id };
    // Spelled out member by member: an object of one fixed shape is several times faster to make and to write than a copied one.
    return {
      type,
      zone: this.zone,
      occurredAt: this.occurredAt,
      requestId: facts.requestId,
      txn: noted.txn,
      actor,
      subject: noted.subject,
      application: noted.application,
      session: noted.session,
      delegation: noted.delegation,
      chain: noted.chain,
      resource: noted.resource,
      operation: noted.operation,
      scopes: noted.scopes,
      decision: noted.decision,
      reasons: noted.reasons,
      policy: noted.policy,
      token: noted.token,
      approval: noted.approval,
      traceId: facts.traceId,
      client: { address: facts.address, user_agent: facts.userAgent },
      detail: noted.detail,
      personal: noted.personal,
    } satisfies Record<keyof EntryDraft, unknown>;
  }
}
