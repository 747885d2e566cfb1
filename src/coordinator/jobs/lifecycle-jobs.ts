import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { Database } from '../../platform/database/index.js';
import { inTurn } from '../../platform/lifecycle/index.js';
import { type Message, Queues, RefusedMessageError } from '../../platform/queue/index.js';
import { zonesWithDue, zonesWithOpen } from '../persistence/settling.js';
import { Settlement } from './settlement.js';

const EXPIRY_EVERY_MS = 5_000;
const SWEEP_EVERY_MS = 300_000;

/** Settles what an anchor ended when its message arrives, what time ended every few seconds, and what was missed by either every few minutes. */
@Injectable()
export class LifecycleJobs implements OnModuleInit {
  constructor(
    private readonly queues: Queues,
    private readonly database: Database,
    private readonly settlement: Settlement,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    const settle = (message: Message): Promise<void> => this.settle(message);
    this.queues.consume('lifecycle', { settle });
    this.queues.consume('revocation', { settle });
    this.queues.schedule('session-expiry', EXPIRY_EVERY_MS, () => this.expire());
    this.queues.schedule('session-sweep', SWEEP_EVERY_MS, () => this.sweep());
  }

  /** Settling is safe to repeat, so a message that comes twice needs no inbox row. */
  async settle({ zone, body }: Message): Promise<void> {
    const { kind, anchor } = body;
    if (typeof kind !== 'string' || typeof anchor !== 'string') throw new RefusedMessageError('settle_shape');
    await this.settlement.settleUnder(zone, { kind, anchor });
  }

  async expire(): Promise<void> {
    const zones = await this.database.withSystem('expiry', (tx) => zonesWithDue(tx, this.clock.now()));
    await inTurn(zones, (zone) => this.settlement.settleZone(zone));
  }

  async sweep(): Promise<void> {
    const zones = await this.database.withSystem('expiry', (tx) => zonesWithOpen(tx));
    await inTurn(zones, (zone) => this.settlement.settleZone(zone));
  }
}
