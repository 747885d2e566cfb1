import { AppError } from '../../kernel/app-error.js';
import type { Database } from '../../platform/database/index.js';
import { foreignCursor } from '../../platform/http/index.js';
import type { DeadLetter, DeadLetters, QueueName } from '../../platform/queue/index.js';
import type { AdminCall, AdminChanges, AdminTx } from '../admin-changes.js';
import { SYSTEM_ZONE } from '../domain/zone.js';
import type { Slice } from '../persistence/lists.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** What administrators decide about dead letters; each decision is in the system's ledger. */
export class DeadLetterDecisions {
  constructor(
    private readonly letters: DeadLetters,
    private readonly database: Database,
    private readonly changes: AdminChanges,
  ) {}

  /** One row more than the slice's limit when there is more. */
  async list({ limit, cursor }: Slice, queue: QueueName | undefined): Promise<readonly DeadLetter[]> {
    if (cursor !== undefined && !UUID.test(cursor)) throw foreignCursor();
    const after = cursor === undefined ? {} : { after: cursor };
    return this.letters.list({ limit: limit + 1, ...after, ...(queue === undefined ? {} : { queue }) });
  }

  async get(id: string): Promise<DeadLetter> {
    requireId(id);
    return this.database.withSystem('dead-letters', (tx) => this.letters.find(tx, id));
  }

  /** Sends it once more; it is no dead letter any longer. Throws `conflict` for what this deployment never sealed. */
  requeue(call: AdminCall, id: string): Promise<DeadLetter> {
    return this.decide(call, id, 'dead_letters.requeue', async (tx) => {
      await this.letters.requeue(tx, id);
      return {};
    });
  }

  discard(call: AdminCall, id: string, reason: string): Promise<DeadLetter> {
    return this.decide(call, id, 'dead_letters.discard', async (tx) => {
      await this.letters.discard(tx, id);
      return { reason };
    });
  }

  private async decide(
    call: AdminCall,
    id: string,
    action: string,
    act: (tx: AdminTx) => Promise<Readonly<Record<string, string>>>,
  ): Promise<DeadLetter> {
    requireId(id);
    return this.changes.create(call, SYSTEM_ZONE, async (tx) => {
      const letter = await this.letters.find(tx, id);
      const detail = await act(tx);
      const { queue, name, zone } = letter;
      tx.note({
        action,
        target: `dead_letter:${id}`,
        detail: { ...detail, queue, name, ...(zone === null ? {} : { zone }) },
      });
      return letter;
    });
  }
}

function requireId(id: string): void {
  if (!UUID.test(id)) throw unknownLetter();
}

function unknownLetter(): AppError {
  return new AppError('not_found', 'There is no such dead letter.');
}
