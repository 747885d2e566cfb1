import type { KeyObject } from 'node:crypto';
import { checkpointKey, logVerifierKey, verifierKeySuffix } from '../domain/log-key.js';
import { signCheckpoint, type Checkpoint } from '../domain/log/checkpoint.js';
import { signManifest, type Manifest, type SignedManifest } from '../domain/log/export-manifest.js';
import { parseVerifierKeys, signHandover, type LogVerifiers } from '../domain/log/log-keys.js';

interface RingKey {
  readonly key: KeyObject;
  /** How the verifier keys of its logs end. */
  readonly suffix: string;
}

/** Names a zone's log, and signs its checkpoints (C2SP) with the key of the ring that the log's verifier key is of. */
export class LogIdentity {
  private readonly ring: readonly RingKey[];
  private current: RingKey;

  /** `seeds`: of the key of new logs, and of those that came before it. */
  constructor(
    seeds: readonly [Buffer, ...Buffer[]],
    private readonly host: () => string,
  ) {
    const [first, ...earlier] = seeds;
    this.current = ringKey(first);
    this.ring = [this.current, ...earlier.map(ringKey)];
  }

  /** `<host of PUBLIC_URL>/log/<slug>`; stored when the zone is made and never changed. */
  origin(zone: string): string {
    return `${this.host()}/log/${zone}`;
  }

  /** The C2SP verifier key of a log of this origin that begins now. */
  verifierKey(origin: string): string {
    return logVerifierKey(origin, this.current.key);
  }

  /** Every key of the ring, for a log of this origin. */
  verifiers(origin: string): LogVerifiers {
    return parseVerifierKeys(this.ring.map(({ key }) => logVerifierKey(origin, key)));
  }

  /** Whether the ring has the key of this log. */
  holds(vkey: string): boolean {
    return this.find(vkey) !== undefined;
  }

  /** Whether this verifier key is of the key that new logs have, whatever log it names. */
  isCurrent(vkey: string): boolean {
    return vkey.endsWith(this.current.suffix);
  }

  /** From now on new logs have the key of this one, although another stands first in the ring. */
  goOnWith(vkey: string): void {
    this.current = this.ringKeyOf(vkey);
  }

  /** The signed note; whoever releases it must have made sure that it contradicts nothing that was signed before. */
  sign(checkpoint: Checkpoint, vkey: string): string {
    return signCheckpoint(checkpoint, this.keyOf(vkey));
  }

  signManifest(manifest: Manifest, vkey: string): SignedManifest {
    return signManifest(manifest, this.keyOf(vkey));
  }

  /** With what the key of a log names its successor. */
  handover({ origin, vkey }: { readonly origin: string; readonly vkey: string }, successor: string): string {
    return signHandover(successor, { name: origin, key: this.keyOf(vkey) });
  }

  private keyOf(vkey: string): KeyObject {
    return this.ringKeyOf(vkey).key;
  }

  private ringKeyOf(vkey: string): RingKey {
    const found = this.find(vkey);
    if (!found) throw new Error(`the ring of checkpoint keys does not hold the one of ${vkey}`);
    return found;
  }

  private find(vkey: string): RingKey | undefined {
    return this.ring.find(({ suffix }) => vkey.endsWith(suffix));
  }
}

function ringKey(seed: Buffer): RingKey {
  const key = checkpointKey(seed);
  return { key, suffix: verifierKeySuffix(key) };
}
