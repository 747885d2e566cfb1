import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { Database } from '../../platform/database/index.js';
import { inTurn } from '../../platform/lifecycle/index.js';
import { Queues } from '../../platform/queue/index.js';
import { AuditedChanges } from '../../audit/index.js';
import { KeyLifecycle } from '../key-lifecycle.js';
import { zonesWithDueKeys } from '../persistence/signing-keys.js';

const EVERY_MS = 15_000;

/** Lets time act on keys: rotations that are due or waited for a key to be known, and keys whose last token has expired. */
@Injectable()
export class AdvanceKeys implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly changes: AuditedChanges,
    private readonly lifecycle: KeyLifecycle,
    private readonly queues: Queues,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.queues.schedule('auth-advance-keys', EVERY_MS, () => this.run());
  }

  async run(): Promise<void> {
    const zones = await this.database.withSystem('key-rotation', (tx) => zonesWithDueKeys(tx, this.clock.now()));
    await inTurn(zones, ({ zone, signsFor }) => this.changes.run(zone, (tx) => this.lifecycle.advance(tx, signsFor)));
  }
}
