import {
  type EchoForms,
  type EchoTreatment,
  heldBack,
  holdsEcho,
  MENDABLE_BYTES,
  redactEcho,
} from '../domain/echo-forms.js';

const NOTHING = Buffer.alloc(0);

/** Lets a body through piece by piece, minus what would give an injected secret away. */
export class EchoFilter {
  /** A secret was seen. */
  found = false;
  /** A secret was seen where it cannot be mended: nothing more may leave. */
  mustCut = false;
  private seen = 0;
  private kept: Buffer[] = [];

  constructor(
    private readonly forms: EchoForms,
    private readonly treatment: EchoTreatment,
  ) {}

  /** True while everything is kept until {@link flush}, so that the length can still change. */
  get keepsAll(): boolean {
    return this.treatment === 'replace_whole';
  }

  /** What may leave after this piece. */
  push(chunk: Buffer): Buffer {
    if (this.treatment === 'none') return chunk;
    this.seen += chunk.length;
    if (this.keepsAll) {
      this.kept.push(chunk);
      return NOTHING;
    }
    const bytes = this.judge(Buffer.concat([...this.kept, chunk]));
    const release = bytes.length - heldBack(bytes, this.forms);
    this.kept = [bytes.subarray(release)];
    return this.mustCut ? NOTHING : bytes.subarray(0, release);
  }

  /** What was kept back, at the end of the body. */
  flush(): Buffer {
    const rest = this.kept.length === 1 ? (this.kept[0] as Buffer) : Buffer.concat(this.kept);
    this.kept = [];
    return this.keepsAll ? this.judge(rest) : rest;
  }

  private judge(bytes: Buffer): Buffer {
    if (!holdsEcho(bytes, this.forms)) return bytes;
    this.found = true;
    if (this.treatment === 'cut' || this.seen > MENDABLE_BYTES) this.mustCut = true;
    return redactEcho(bytes, this.forms);
  }
}
