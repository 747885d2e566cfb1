import type { Database } from '../../platform/database/index.js';
import type { EgressGuard } from '../../platform/egress/index.js';
import type { Precondition } from '../../platform/http/index.js';
import { newId } from '../../platform/ids/index.js';
import type { AdminCall, AdminChanges, AdminTx } from '../admin-changes.js';
import { refuseArchived } from '../domain/changes.js';
import { invalidRequest } from '../domain/faults.js';
import { SYSTEM_ZONE } from '../domain/zone.js';
import type { Slice } from '../persistence/lists.js';
import { webhookSecret } from './domain/notification.js';
import { eventFaults, webhookBody } from './domain/webhook.js';
import type { WebhookEntity } from './persistence/webhook.entity.js';
import {
  beginAtHeads,
  getWebhook,
  insertWebhook,
  isChangeableZone,
  listWebhooks,
  lockWebhook,
  updateWebhook,
} from './persistence/webhook-rows.js';
import type { WebhookSecrets } from './webhook-secrets.js';

export interface NewWebhook {
  readonly url: string;
  readonly events: readonly string[];
  /** The zone it is told of; all of them when it is omitted. */
  readonly zone?: string | undefined;
}

export interface WebhooksParts {
  readonly database: Database;
  readonly changes: AdminChanges;
  readonly egress: EgressGuard;
  readonly secrets: WebhookSecrets;
}

/** Webhooks: places outside that are told of ledger entries. */
export class Webhooks {
  constructor(private readonly parts: WebhooksParts) {}

  /** The webhook and its secret, which is never shown again. It is told of what is written from now on. */
  async create(call: AdminCall, input: NewWebhook): Promise<{ readonly row: WebhookEntity; readonly secret: string }> {
    await this.vet(input);
    const id = newId('whk');
    const about = input.zone ?? null;
    const { key, sealed } = this.parts.secrets.make(id);
    await this.parts.database.withSystem('webhooks', (tx) => beginAtHeads(tx, { id, about }));
    const row = await this.change(call, async (tx) => {
      const at = new Date(tx.now);
      const made: WebhookEntity = {
        zone: SYSTEM_ZONE,
        id,
        url: input.url,
        events: [...new Set(input.events)],
        about,
        secretSealed: sealed,
        status: 'active',
        createdAt: at,
        updatedAt: at,
        archivedAt: null,
        version: 1,
      };
      await insertWebhook(tx, made);
      tx.note({ action: 'webhooks.create', target: `webhook:${id}`, after: webhookBody(made) });
      return made;
    });
    return { row, secret: webhookSecret(key) };
  }

  get(id: string): Promise<WebhookEntity> {
    return getWebhook(this.parts.database, id);
  }

  list(slice: Slice, status: string | undefined): Promise<WebhookEntity[]> {
    return listWebhooks(this.parts.database, slice, status);
  }

  async patch(
    call: AdminCall,
    id: string,
    change: { condition: Precondition; patch: Partial<Pick<NewWebhook, 'url' | 'events'>> },
  ): Promise<WebhookEntity> {
    const { condition, patch } = change;
    await this.vet(patch);
    return this.change(call, async (tx) => {
      const before = await this.lockForChange(tx, id, condition);
      const after: WebhookEntity = {
        ...before,
        url: patch.url ?? before.url,
        events: patch.events ? [...new Set(patch.events)] : before.events,
        updatedAt: new Date(tx.now),
        version: before.version + 1,
      };
      await save(tx, 'webhooks.update', before, after);
      return after;
    });
  }

  /** Archives the webhook for good: nothing is sent to it any more, not even what was under way to it. */
  archive(call: AdminCall, id: string, condition: Precondition): Promise<void> {
    return this.change(call, async (tx) => {
      const before = await this.lockForChange(tx, id, condition);
      const at = new Date(tx.now);
      const after: WebhookEntity = {
        ...before,
        status: 'archived',
        archivedAt: at,
        updatedAt: at,
        version: before.version + 1,
      };
      await save(tx, 'webhooks.archive', before, after);
    });
  }

  private async vet({ url, events, zone }: Partial<NewWebhook>): Promise<void> {
    const faults = [...eventFaults(events ?? [])];
    if (zone !== undefined && !(await isChangeableZone(this.parts.database, zone)))
      faults.push({ field: 'zone', message: 'must be the slug of a zone' });
    if (faults.length > 0) throw invalidRequest(faults);
    if (url !== undefined) await this.parts.egress.checkRegistration(url);
  }

  /** Webhooks belong to the server, so their changes are in the system's ledger. */
  private change<T>(call: AdminCall, work: (tx: AdminTx) => Promise<T>): Promise<T> {
    return this.parts.changes.create(call, SYSTEM_ZONE, work);
  }

  private async lockForChange(tx: AdminTx, id: string, condition: Precondition): Promise<WebhookEntity> {
    const row = await lockWebhook(tx, id);
    condition.assert(row.version);
    refuseArchived(row);
    return row;
  }
}

async function save(tx: AdminTx, action: string, before: WebhookEntity, after: WebhookEntity): Promise<void> {
  await updateWebhook(tx, after.id, after);
  tx.note({ action, target: `webhook:${after.id}`, before: webhookBody(before), after: webhookBody(after) });
}
