import { type GatewayCode, STOPPING } from './domain/gateway-error.js';

/** A call whose answer is still under way. */
export interface OpenCall {
  readonly zone: string;
  /** When the authority of the call ends unless it is confirmed, in milliseconds of the wall clock. */
  readonly endsAt: number;
  /** The authority as it is now: until when it holds, or why it does not any more. */
  readonly confirm: () => Promise<{ readonly endsAt: number } | { readonly lost: GatewayCode }>;
  readonly cut: (code: GatewayCode, detail?: string) => void;
}

interface Watched {
  readonly call: OpenCall;
  endsAt: number;
}

const SWEEP_MS = 100;

/** Watches the authority of every open call: none outlives it, whether it is taken away or runs out. */
export class OpenCalls {
  private readonly zones = new Map<string, Set<Watched>>();
  private readonly sweep: NodeJS.Timeout;

  constructor(private readonly now: () => number) {
    this.sweep = setInterval(() => this.expire(), SWEEP_MS);
    this.sweep.unref();
  }

  /** Watches the call until the returned function is called. */
  watch(call: OpenCall): () => void {
    const watched: Watched = { call, endsAt: call.endsAt };
    const calls = this.zones.get(call.zone) ?? new Set();
    this.zones.set(call.zone, calls.add(watched));
    return () => {
      calls.delete(watched);
      if (calls.size === 0 && this.zones.get(call.zone) === calls) this.zones.delete(call.zone);
    };
  }

  /** Judges every open call of the zone again; cuts those that lost their authority, and those nothing can be said about. */
  async reconsider(zone: string): Promise<void> {
    await Promise.all([...(this.zones.get(zone) ?? [])].map((watched) => this.confirm(watched)));
  }

  get size(): number {
    let size = 0;
    for (const calls of this.zones.values()) size += calls.size;
    return size;
  }

  /** Ends every open call while its caller can still be told: the process stops, and its connections are about to be cut. */
  stop(): void {
    for (const calls of this.zones.values()) for (const { call } of [...calls]) call.cut('overloaded', STOPPING);
  }

  close(): void {
    clearInterval(this.sweep);
  }

  private expire(): void {
    const now = this.now();
    for (const calls of this.zones.values()) {
      for (const watched of calls) {
        if (watched.endsAt > now) continue;
        // Until the answer is there it must not be asked again.
        watched.endsAt = Number.POSITIVE_INFINITY;
        void this.confirm(watched);
      }
    }
  }

  private async confirm(watched: Watched): Promise<void> {
    const verdict = await watched.call.confirm().catch(() => ({ lost: 'view_stale' as const }));
    if ('lost' in verdict) watched.call.cut(verdict.lost);
    else if (verdict.endsAt <= this.now()) watched.call.cut('invalid_token');
    else watched.endsAt = verdict.endsAt;
  }
}
