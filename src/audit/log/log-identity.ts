import type { KeyObject } from 'node:crypto';
import { checkpointKey, logVerifierKey } from '../domain/log-key.js';
import { signCheckpoint, type Checkpoint } from '../domain/log/checkpoint.js';
import { signManifest, type Manifest, type SignedManifest } from '../domain/log/export-manifest.js';

/** Names a zone's log and signs its checkpoints (C2SP). */
export class LogIdentity {
  private readonly key: KeyObject;

  constructor(
    seed: Buffer,
    private readonly host: () => string,
  ) {
    this.key = checkpointKey(seed);
  }

  /** `<host of PUBLIC_URL>/log/<slug>`; stored when the zone is made and never changed. */
  origin(zone: string): string {
    return `${this.host()}/log/${zone}`;
  }

  /** The C2SP verifier key of a log of this origin. */
  verifierKey(origin: string): string {
    return logVerifierKey(origin, this.key);
  }

  /** The signed note; whoever releases it must have made sure that it contradicts nothing that was signed before. */
  sign(checkpoint: Checkpoint): string {
    return signCheckpoint(checkpoint, this.key);
  }

  signManifest(manifest: Manifest): SignedManifest {
    return signManifest(manifest, this.key);
  }
}
