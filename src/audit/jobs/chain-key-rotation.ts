import type { OnApplicationBootstrap } from '@nestjs/common';
import type { Clock } from '../../kernel/clock.js';
import type { Database } from '../../platform/database/index.js';
import { inTurn } from '../../platform/lifecycle/index.js';
import type { AuditedChanges } from '../audited-changes.js';
import type { LedgerKeys } from '../ledger-keys.js';

export interface ChainKeyRotationParts {
  readonly database: Database;
  readonly changes: AuditedChanges;
  readonly keys: LedgerKeys;
  readonly clock: Clock;
  /** Some ledger could not be told; the server starts all the same, for the other zones. */
  readonly onFault: (error: unknown) => void;
}

/** Where it is remembered which key every ledger has been told of. */
const TOLD = 'ledger_hmac.told';

/** Notes in each ledger that its chain goes on under another key: the entry is the first link that the new key makes. */
export class ChainKeyRotation implements OnApplicationBootstrap {
  constructor(private readonly parts: ChainKeyRotationParts) {}

  /** Looks at the ledgers only when the key is another than the one that all of them were told of; what one start did not come to is done by the next. */
  async onApplicationBootstrap(): Promise<void> {
    const { keys, onFault } = this.parts;
    if ((await this.told()) === keys.currentKid) return;
    try {
      await this.tell();
    } catch (error) {
      return onFault(error);
    }
    await this.parts.database.querySystem(
      'fingerprints',
      `INSERT INTO caracal.secret_fingerprints (name, fingerprint) VALUES ($1, $2)
       ON CONFLICT (name) DO UPDATE SET fingerprint = EXCLUDED.fingerprint`,
      [TOLD, keys.currentKid],
    );
  }

  private async told(): Promise<string | undefined> {
    const [row] = await this.parts.database.querySystem<{ fingerprint: string }>(
      'fingerprints',
      'SELECT fingerprint FROM caracal.secret_fingerprints WHERE name = $1',
      [TOLD],
    );
    return row?.fingerprint;
  }

  private async tell(): Promise<void> {
    const { database, changes, keys, clock } = this.parts;
    const ends = await database.querySystem<{ zone: string; kid: string }>(
      'ledger-sweep',
      `SELECT h.zone, l.kid FROM caracal.ledger_head h JOIN caracal.ledger l ON l.zone = h.zone AND l.index = h.next_index - 1 ORDER BY h.zone`,
    );
    await inTurn(
      ends.filter((end) => end.kid !== keys.currentKid),
      ({ zone, kid }) =>
        changes.run(zone, async (tx) => {
          const detail = { previous: kid, current: keys.currentKid };
          tx.record({ type: 'ledger.key_rotated', occurredAt: clock.now(), actor: { kind: 'system' }, detail });
        }),
    );
  }
}
