import type { EntryDraft } from '../audit/index.js';
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
    const { requestId, traceId, address, userAgent } = this.facts;
    const id = this.noted.application;
    return {
      ...this.noted,
      type,
      zone: this.zone,
      occurredAt: this.occurredAt,
      actor: id === undefined ? { kind: 'agent' } : { kind: 'agent', id },
      requestId,
      traceId,
      client: { address, user_agent: userAgent },
    };
  }
}
