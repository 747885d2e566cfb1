import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { LedgerReader } from '../../audit/index.js';
import { AppError } from '../../kernel/app-error.js';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { Database } from '../../platform/database/index.js';
import { EgressClient } from '../../platform/egress/index.js';
import { type Message, Queues, RefusedMessageError } from '../../platform/queue/index.js';
import type { JsonObject } from '../../kernel/json.js';
import type { ApprovalPrivacy } from '../domain/approvals/privacy-mode.js';
import { findApproval } from '../persistence/approvals/approval-rows.js';
import { checkpointNotice, notification, signedFields } from './domain/notification.js';
import { getWebhook } from './persistence/webhook-rows.js';
import type { WebhookEntity } from './persistence/webhook.entity.js';
import { WebhookSecrets } from './webhook-secrets.js';

const TIMEOUT_MS = 10_000;
const MOST_ANSWER_BYTES = 64 * 1024;
const GONE = 410;

/** The receiver did not take it. Tried again, a bounded number of times: whatever went wrong, it is not known to pass. */
class NotTaken extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = reason;
  }
}

/** Sends what webhooks are told, signed, until the receiver has taken it. */
@Injectable()
export class WebhookDelivery implements OnModuleInit {
  constructor(
    private readonly queues: Queues,
    private readonly database: Database,
    private readonly ledger: LedgerReader,
    private readonly egress: EgressClient,
    private readonly secrets: WebhookSecrets,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.queues.consume('delivery', {
      webhook: (message) => this.deliver(message),
      checkpoint: (message) => this.deliverCheckpoint(message),
    });
  }

  /** Resolves when a 2xx came back, or when nobody wants it any more. The receiver may see it twice, under one `webhook-id`. */
  async deliver({ id, zone, body }: Message): Promise<void> {
    const { webhook: webhookId, index } = body;
    if (typeof webhookId !== 'string' || typeof index !== 'number') throw new RefusedMessageError('webhook_shape');
    const webhook = await getWebhook(this.database, webhookId);
    if (webhook.status !== 'active') return;
    const { entry } = await this.ledger.event(zone, index);
    const told = notification(index, entry, await this.privacyOf(zone, entry));
    await this.send(webhook, `msg_${id}`, JSON.stringify(told));
  }

  /** The same for a checkpoint, whose note says all that a receiver needs to hold the log to it. */
  async deliverCheckpoint({ id, zone, body, issuedAt }: Message): Promise<void> {
    const { webhook: webhookId, checkpoint } = body;
    if (typeof webhookId !== 'string' || typeof checkpoint !== 'string')
      throw new RefusedMessageError('checkpoint_shape');
    const webhook = await getWebhook(this.database, webhookId);
    if (webhook.status !== 'active') return;
    await this.send(webhook, `msg_${id}`, JSON.stringify(checkpointNotice(zone, checkpoint, issuedAt)));
  }

  /** Of an approval that is forgotten nobody knows any more how private it was. */
  private async privacyOf(zone: string, { approval: id }: JsonObject): Promise<ApprovalPrivacy> {
    if (typeof id !== 'string') return 'full';
    const approval = await this.database.readZone(zone, (tx) => findApproval(tx, id));
    return approval?.privacy ?? 'minimal';
  }

  private async send(webhook: WebhookEntity, id: string, body: string): Promise<void> {
    const key = this.secrets.open(webhook.id, webhook.secretSealed);
    const timestamp = Math.floor(this.clock.now() / 1_000);
    const headers = { 'content-type': 'application/json', ...signedFields(key, { id, timestamp, body }) };
    const status = await this.post(webhook.url, headers, body);
    if (status === GONE) throw new RefusedMessageError('receiver_gone');
    if (status < 200 || status > 299) throw new NotTaken(`answered_${status}`);
  }

  private async post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<number> {
    const request = { url, method: 'POST', headers, body, timeoutMs: TIMEOUT_MS, maxBytes: MOST_ANSWER_BYTES } as const;
    try {
      return (await this.egress.request(request)).status;
    } catch (error) {
      // A place that may not be reached any more is refused; whatever else kept it from answering is the receiver's to mend.
      throw error instanceof AppError ? error : new NotTaken('no_answer');
    }
  }
}
