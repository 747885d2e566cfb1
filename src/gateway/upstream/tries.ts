import type { Transport } from '../../platform/egress/index.js';
import { SecondTry } from './second-try.js';
import { type AnswerSink, type UpstreamCall, UpstreamExchange } from './upstream-exchange.js';

export interface TriesParts {
  readonly sink: AnswerSink;
  readonly transport: Transport;
  /** The same call with another credential, or undefined when there is none; without it there is one try. */
  readonly again?: (() => Promise<UpstreamCall | undefined>) | undefined;
}

/** The exchange of a call: one, or a second in its place when the upstream refuses a credential that can be had anew. */
export class Tries {
  retried = false;
  private current: UpstreamExchange;

  constructor(
    first: UpstreamCall,
    private readonly parts: TriesParts,
  ) {
    this.current = new UpstreamExchange(first, this.firstSink(parts.again));
  }

  /** True from the moment the first byte of a request may have left. */
  get started(): boolean {
    return this.retried || this.current.started;
  }

  /** Where the last request went. */
  get peer(): string | undefined {
    return this.current.peer;
  }

  dispatch(): void {
    this.current.dispatch(this.parts.transport);
  }

  abort(error: Error): void {
    this.current.abort(error);
  }

  resume(): void {
    this.current.resume();
  }

  private firstSink(again: TriesParts['again']): AnswerSink {
    if (!again) return this.parts.sink;
    return new SecondTry({
      sink: this.parts.sink,
      renew: async () => {
        const call = await again();
        return call && ((): void => this.replace(call));
      },
      discard: () => this.current.abort(new Error('the answer is not wanted')),
      resume: () => this.current.resume(),
    });
  }

  private replace(call: UpstreamCall): void {
    this.retried = true;
    this.current = new UpstreamExchange(call, this.parts.sink);
    this.dispatch();
  }
}
