import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { AppError } from '../../kernel/app-error.js';
import type { Clock } from '../../kernel/clock.js';
import type { Database } from '../../platform/database/index.js';
import { newId } from '../../platform/ids/index.js';
import { RefusedMessageError, type Message } from '../../platform/queue/index.js';
import type { AuditedChanges } from '../audited-changes.js';
import type { ChangeTx } from '../change-tx.js';
import {
  EXPORT_VERSION,
  exportLine,
  personalLine,
  type ExportedPersonal,
  type Manifest,
} from '../domain/log/export-manifest.js';
import type { ChainPosition } from '../domain/verify-chain.js';
import type { LogIdentity } from '../log/log-identity.js';
import type { LogReader } from '../log/log-reader.js';
import { writeWhole } from '../log/whole-file.js';
import {
  awaitDrops,
  failExport,
  findExport,
  finishExport,
  insertExport,
  ledgerSize,
  listExports,
  readForExport,
  type ExportRow,
} from '../persistence/export-rows.js';
import { readPersonal } from '../persistence/personal-rows.js';
import { ledgerStart } from '../retention/retention-rows.js';
import { EntriesFile, type WrittenFile } from './entries-file.js';

const ENTRIES = 'entries.jsonl';

/** The name of the jobs that write exports, on the queue `exports`. */
export const EXPORT_JOB = 'export';

export interface LedgerExportsParts {
  readonly database: Database;
  readonly changes: AuditedChanges;
  readonly log: LogReader;
  readonly identity: LogIdentity;
  readonly clock: Clock;
  readonly dataDir: string;
}

/** What is wanted; without `from` and `to`, everything that the ledger holds now. */
export interface WantedExport {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly createdBy: string;
  readonly scheduled: boolean;
}

/** Exports of ledgers: the entries as they stand in the table, and a signed manifest with which they can be verified without the server. */
export class LedgerExports {
  /** By path: a file that is being written is waited for, and not begun a second time. */
  private readonly writing = new Map<string, Promise<WrittenFile>>();

  constructor(private readonly parts: LedgerExportsParts) {}

  /**
   * Asks for an export, in the transaction that records it. Throws `invalid_request` for a range that the ledger does not hold, `gone` for one of which
   * some was dropped.
   */
  async create(tx: ChangeTx, wanted: WantedExport): Promise<ExportRow> {
    const { to, createdBy, scheduled } = wanted;
    await awaitDrops(tx);
    const [size, { next }] = [await ledgerSize(tx), await ledgerStart(tx, tx.zone)];
    const [from, end] = [wanted.from ?? next, to ?? size];
    if (from < next)
      throw new AppError('gone', `Entries before ${next} were dropped by retention; an export holds them.`);
    if (end > size) throw invalidRange('to', `must not be above ${size}, the number of entries`);
    if (from >= end) throw invalidRange('from', 'must be below to');
    const createdAt = new Date(this.parts.clock.now());
    const row = await insertExport(tx, { id: newId('exp'), from, to: end, createdBy, scheduled, createdAt });
    tx.enqueue({ queue: 'exports', name: EXPORT_JOB, aggregate: `export:${row.id}`, body: { id: row.id } });
    return row;
  }

  /** Throws `not_found`. */
  async get(zone: string, id: string): Promise<ExportRow> {
    const row = await this.parts.database.readZone(zone, (tx) => findExport(tx, id));
    if (!row) throw new AppError('not_found', 'There is no such export.');
    return row;
  }

  list(zone: string, page: { limit: number; after?: string | undefined }): Promise<ExportRow[]> {
    return this.parts.database.readZone(zone, (tx) => listExports(tx, page));
  }

  /**
   * The entries of an export that is ready, or the part of these bytes from `start` to before `end`: of its file, or, on a replica that did not write it, of
   * the same bytes from the ledger.
   */
  async entries(row: ExportRow, { start, end }: { readonly start: number; readonly end: number }): Promise<Readable> {
    const path = this.path(row, ENTRIES);
    const there = await stat(path).catch(() => undefined);
    if (there?.size === row.bytes)
      return end > start ? createReadStream(path, { start, end: end - 1 }) : Readable.from([]);
    if (row.from < (await this.start(row.zone)).next)
      throw new AppError('gone', 'The entries were dropped; the export is where it was written.');
    return Readable.from(bytesOf(this.lines(row), start, end));
  }

  /**
   * That the files of a ready export are in this process's `DATA_DIR`, with the bytes that were signed: written again from the ledger when they are
   * not. Throws when the ledger does not give these bytes any more. For whoever is about to drop what they hold.
   */
  async keepHere(zone: string, id: string): Promise<void> {
    const row = await this.get(zone, id);
    const { entries_sha256: signed } = JSON.parse(row.manifest ?? '{}') as Partial<Manifest>;
    const kept = (await EntriesFile.sha256(this.path(row, ENTRIES))) === signed;
    if (!kept && (await this.writeEntries(row)).sha256 !== signed)
      throw new Error(`the ledger of ${zone} does not give the bytes of ${id} any more`);
    await this.writeManifest(row, row.manifest ?? '');
  }

  /** What is kept beside the entries of an export now: payload with its salt, or that it was erased. It is in no file of the server's, so that nothing of it outlives an erasure. */
  personal({ zone, from, to }: ExportRow): Readable {
    return Readable.from(personalLines(readPersonal(this.parts.database, zone, { from, to })));
  }

  /** Writes an export; however often it is called, and after whatever interruption, the files are the same. */
  async handle(message: Message): Promise<void> {
    const { id } = message.body;
    const row =
      typeof id === 'string' ? await this.parts.database.readZone(message.zone, (tx) => findExport(tx, id)) : undefined;
    if (!row) throw new RefusedMessageError('unknown_export');
    if (row.status === 'ready') return;
    // What runs keeps its entries from being dropped; what had failed does not.
    if (row.from < (await this.start(row.zone)).next) throw new RefusedMessageError('dropped');
    const written = await this.writeEntries(row);
    const manifest = await this.manifest(row, written);
    await this.writeManifest(row, manifest);
    await this.finish(row, written, manifest);
  }

  /** Says of an export that its job was given up, in the caller's transaction; false when it had ended, or was said before. */
  async giveUp(tx: ChangeTx, id: string, reason: string): Promise<boolean> {
    const at = this.parts.clock.now();
    if (!(await failExport(tx, id, { at: new Date(at), reason }))) return false;
    const detail = { export: id, reason };
    tx.record({ type: 'ledger.export_failed', occurredAt: at, actor: { kind: 'system' }, detail });
    return true;
  }

  private start(zone: string): Promise<ChainPosition> {
    return this.parts.database.asAuditor(zone, (tx) => ledgerStart(tx, zone));
  }

  private writeEntries(row: ExportRow): Promise<WrittenFile> {
    const { database } = this.parts;
    const { zone, from: first, to } = row;
    const path = this.path(row, ENTRIES);
    const known = this.writing.get(path);
    if (known) return known;
    const written = new EntriesFile(path)
      .write(first, (from) => readForExport(database, zone, { from, to }))
      .finally(() => this.writing.delete(path));
    this.writing.set(path, written);
    return written;
  }

  private async writeManifest(row: ExportRow, manifest: string): Promise<void> {
    await writeWhole(this.path(row, 'manifest.json'), manifest);
  }

  private async finish(row: ExportRow, written: WrittenFile, manifest: string): Promise<void> {
    const now = this.parts.clock.now();
    await this.parts.changes.run(row.zone, async (tx) => {
      if (!(await finishExport(tx, row.id, { at: new Date(now), bytes: written.bytes, manifest }))) return;
      tx.record({
        type: 'ledger.exported',
        occurredAt: now,
        actor: { kind: 'system' },
        detail: { export: row.id, from: row.from, to: row.to, entries_sha256: written.sha256, by: row.createdBy },
      });
    });
  }

  private async manifest(row: ExportRow, written: WrittenFile): Promise<string> {
    const { log, identity } = this.parts;
    const { zone, from, to } = row;
    const head = await log.firstOver(zone, to);
    if (!head) throw new AppError('temporarily_unavailable', 'No checkpoint covers the export yet.', { retryAfter: 1 });
    const { root, left } = await log.summary(zone, from, to);
    const consistency = await log.consistency(zone, to, head.size);
    const { vkey, retired } = await log.keys(zone, head.origin);
    const manifest: Manifest = {
      v: EXPORT_VERSION,
      zone,
      origin: head.origin,
      from,
      to,
      root: root.toString('base64'),
      checkpoint: head.note,
      checkpoints: await log.between(zone, head.origin, { from, to }),
      proof: { consistency: consistency.map(base64), left: left.map(base64) },
      entries_sha256: written.sha256,
      ...(retired.length === 0 ? {} : { retired_keys: retired }),
    };
    return `${JSON.stringify(identity.signManifest(manifest, vkey), undefined, 2)}\n`;
  }

  private async *lines({ zone, from, to }: ExportRow): AsyncGenerator<string> {
    for await (const rows of readForExport(this.parts.database, zone, { from, to }))
      yield rows.map(exportLine).join('');
  }

  private path({ zone, id }: ExportRow, name: string): string {
    return join(this.parts.dataDir, 'exports', zone, id, name);
  }
}

async function* personalLines(pages: AsyncIterable<readonly ExportedPersonal[]>): AsyncGenerator<string> {
  for await (const page of pages) yield page.map(personalLine).join('');
}

/** The bytes from `start` to before `end` of a text that comes in pieces. */
async function* bytesOf(pieces: AsyncIterable<string>, start: number, end: number): AsyncGenerator<Buffer> {
  let at = 0;
  for await (const piece of pieces) {
    const bytes = Buffer.from(piece, 'utf8');
    const wanted = bytes.subarray(Math.max(0, start - at), Math.max(0, end - at));
    if (wanted.length > 0) yield wanted;
    at += bytes.length;
    if (at >= end) return;
  }
}

const base64 = (hash: Buffer): string => hash.toString('base64');

function invalidRange(field: string, message: string): AppError {
  return new AppError('invalid_request', 'The request is not valid.', { errors: [{ field, message }] });
}
