/** Limits of refusals that nobody authenticated for, per minute: one address cannot fill a zone's ledger, nor can many. */
export const PER_ADDRESS = 10;
export const PER_ZONE = 600;
const WINDOW_MS = 60_000;
const MAX_ADDRESSES = 50_000;

/** What one minute of a zone has seen. */
interface Window {
  readonly startedAt: number;
  written: number;
  readonly byAddress: Map<string, number>;
  readonly suppressed: Map<string, number>;
}

/** A count of refusals that were not written one by one. */
export interface Suppressed {
  readonly zone: string;
  readonly address: string;
  readonly count: number;
  readonly since: number;
}

/** Decides which unauthenticated refusals are written and counts the rest. Pure but for its own state; time is an argument. */
export class RefusalWindows {
  private readonly zones = new Map<string, Window>();

  /** True when this refusal is to be written; otherwise it has been counted. */
  admit(zone: string, address: string, now: number): boolean {
    const window = this.current(zone, now);
    const prefix = addressPrefix(address);
    const seen = window.byAddress.get(prefix) ?? 0;
    const full = window.byAddress.size >= MAX_ADDRESSES && seen === 0;
    if (seen >= PER_ADDRESS || window.written >= PER_ZONE || full) {
      const counted = window.suppressed.has(prefix) || window.suppressed.size < MAX_ADDRESSES ? prefix : 'other';
      window.suppressed.set(counted, (window.suppressed.get(counted) ?? 0) + 1);
      return false;
    }
    window.byAddress.set(prefix, seen + 1);
    window.written += 1;
    return true;
  }

  /** Takes the counts of the windows that are over (or of all, at shutdown), so that each is reported once. */
  drain(now: number, all = false): Suppressed[] {
    const out: Suppressed[] = [];
    for (const [zone, window] of this.zones) {
      if (!all && now - window.startedAt < WINDOW_MS) continue;
      this.zones.delete(zone);
      for (const [address, count] of window.suppressed) out.push({ zone, address, count, since: window.startedAt });
    }
    return out;
  }

  private current(zone: string, now: number): Window {
    const window = this.zones.get(zone);
    if (window && (now - window.startedAt < WINDOW_MS || window.suppressed.size > 0)) return window;
    const fresh: Window = { startedAt: now, written: 0, byAddress: new Map(), suppressed: new Map() };
    this.zones.set(zone, fresh);
    return fresh;
  }
}

/** The /32 of an IPv4 address, the /64 of an IPv6 one. */
export function addressPrefix(address: string): string {
  const v4 = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (v4) return `${v4}/32`;
  const [head = '', tail] = address.split('::', 2);
  const left = head.split(':').filter(Boolean);
  const right = (tail ?? '').split(':').filter(Boolean);
  const middle = tail === undefined ? [] : Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  return `${[...left, ...middle, ...right].slice(0, 4).join(':')}::/64`;
}
