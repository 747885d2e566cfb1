import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type Message, Queues, RefusedMessageError } from '../../platform/queue/index.js';
import { REHEARSE, Rehearsals } from '../rehearsals.js';

/** Works on rehearsals that take long. Repeating one begins again; its report is written once. */
@Injectable()
export class RehearsalJobs implements OnModuleInit {
  constructor(
    private readonly queues: Queues,
    private readonly rehearsals: Rehearsals,
  ) {}

  onModuleInit(): void {
    this.queues.consume('exports', { [REHEARSE]: (message) => this.rehearse(message) });
  }

  private async rehearse({ zone, body }: Message): Promise<void> {
    const { id } = body;
    if (typeof id !== 'string') throw new RefusedMessageError('rehearsal_shape');
    await this.rehearsals.work(zone, id);
  }
}
