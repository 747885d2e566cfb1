import { createHash, type Hash } from 'node:crypto';

/** The SHA-256 of what passed, taken as it passes. */
export class BodyDigest {
  private readonly hash: Hash = createHash('sha256');
  private taken: string | undefined;

  update(bytes: Buffer): void {
    if (this.taken === undefined) this.hash.update(bytes);
  }

  /** `sha256:<hex>` of everything so far; nothing is added afterwards. */
  value(): string {
    return (this.taken ??= `sha256:${this.hash.digest('hex')}`);
  }
}
