import { appendFile, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openCheckpoint, parseCheckpointText, type Checkpoint } from '../domain/log/checkpoint.js';
import type { LogVerifiers } from '../domain/log/log-keys.js';
import { parseNote } from '../domain/log/signed-note.js';
import { writeWhole } from './whole-file.js';

const FOLDER = 'checkpoints';
const ANCHORS = 'anchors';
const SEPARATOR = '---\n';
/** Some forty thousand notes. */
const MOST_ANCHOR_BYTES = 8 * 1024 * 1024;
const KEPT_EVERY = 64;
const FILE = /^(_system|[a-z0-9-]{1,63})$/;

/**
 * The last checkpoint of each log that this replica has signed or seen, in its own directory, so that a database that was set back is
 * noticed. What is remembered outlives the process before anyone hears of it.
 */
export class SeenCheckpoints {
  private readonly seen = new Map<string, Checkpoint>();

  constructor(
    private readonly dataDir: string,
    private readonly verifiers: (origin: string) => LogVerifiers,
    private readonly mostAnchorBytes = MOST_ANCHOR_BYTES,
  ) {}

  /** Reads what is remembered; answers the zones whose file cannot be trusted. */
  async load(): Promise<string[]> {
    await mkdir(join(this.dataDir, FOLDER), { recursive: true, mode: 0o700 });
    await mkdir(join(this.dataDir, ANCHORS), { recursive: true, mode: 0o700 });
    const unreadable: string[] = [];
    for (const zone of (await readdir(join(this.dataDir, FOLDER))).filter((name) => FILE.test(name))) {
      const note = await readFile(this.path(zone), 'utf8');
      try {
        const { origin } = parseCheckpointText(parseNote(note).text);
        this.seen.set(zone, openCheckpoint(note, this.verifiers(origin)));
      } catch {
        unreadable.push(zone);
      }
    }
    return unreadable;
  }

  get(zone: string): Checkpoint | undefined {
    return this.seen.get(zone);
  }

  zones(): IterableIterator<string> {
    return this.seen.keys();
  }

  /** What was seen belongs to a log that has ended; the file is replaced by the first checkpoint of the next. */
  forget(zone: string): void {
    this.seen.delete(zone);
  }

  /** Durable when it resolves. */
  async remember(zone: string, checkpoint: Checkpoint, note: string): Promise<void> {
    await writeWhole(this.path(zone), note);
    this.seen.set(zone, checkpoint);
  }

  /** Appends a released checkpoint to the zone's anchors: complete notes, separated by a line `---`. */
  async anchor(zone: string, note: string): Promise<void> {
    const path = join(this.dataDir, ANCHORS, `${zone}.log`);
    await appendFile(path, `${note}${SEPARATOR}`, { mode: 0o600 });
    if ((await stat(path)).size > this.mostAnchorBytes) await this.thinAnchors(path);
  }

  /** The newer half stays as it is, and every so many of the older: each pins all that is before it. */
  private async thinAnchors(path: string): Promise<void> {
    const notes = (await readFile(path, 'utf8')).split(/^---\n/m).slice(0, -1);
    const whole = Math.floor(notes.length / 2);
    const kept = notes.filter((_, at) => at >= whole || at % KEPT_EVERY === 0);
    await writeWhole(path, kept.map((note) => `${note}${SEPARATOR}`).join(''));
  }

  private path(zone: string): string {
    return join(this.dataDir, FOLDER, zone);
  }
}
