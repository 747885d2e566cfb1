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

/** A webhook that is about to be made. */
export interface PreparedWebhook {
  readonly id: string;
  readonly about: string | null;
  readonly input: NewWebhook;
  readonly sealed: Buffer;
  /** Shown once. */
  readonly secret: string;
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
    const prepared = await this.prepare(input);
    const row = await this.change(call, (tx) => this.make(tx, prepared));
    return { row, secret: prepared.secret };
  }

  /** The same, its changes made by `changes`: as parts of a larger transaction. */
  within(changes: AdminChanges): Webhooks {
    return new Webhooks({ ...this.parts, changes });
  }

  /** What a webhook that passed {@link vet} needs before it is made: a secret, and unless it is only tried, its place in each ledger. */
  async prepare(input: NewWebhook, { dryRun } = { dryRun: false }): Promise<PreparedWebhook> {
    const id = newId('whk');
    const about = input.zone ?? null;
    const { key, sealed } = this.parts.secrets.make(id);
    if (!dryRun) await this.parts.database.withSystem('webhooks', (tx) => beginAtHeads(tx, { id, about }));
    return { id, about, input, sealed, secret: webhookSecret(key) };
  }

  /** Makes a webhook in the transaction of a larger change, which is one of the system zone. */
  async make(tx: AdminTx, { id, about, input, sealed }: PreparedWebhook): Promise<WebhookEntity> {
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

  /** Refuses what can never be told, and a place that may not be reached; `planned` are zones that are about to be made. */
  async vet({ url, events, zone }: Partial<NewWebhook>, planned: ReadonlySet<string> = new Set()): Promise<void> {
    const faults = [...eventFaults(events ?? [])];
    if (zone !== undefined && !planned.has(zone) && !(await isChangeableZone(this.parts.database, zone)))
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
