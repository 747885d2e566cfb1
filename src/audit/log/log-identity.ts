import { checkpointKey, logVerifierKey } from './domain/log-key.js';

/** Names a zone's log and the key that will sign its checkpoints (C2SP). */
export class LogIdentity {
  constructor(
    private readonly seed: Buffer,
    private readonly host: () => string,
  ) {}

  /** `<host of PUBLIC_URL>/log/<slug>`; stored when the zone is made and never changed. */
  origin(zone: string): string {
    return `${this.host()}/log/${zone}`;
  }

  /** The C2SP verifier key of a log of this origin. */
  verifierKey(origin: string): string {
    return logVerifierKey(origin, checkpointKey(this.seed));
  }
}
