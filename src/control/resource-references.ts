import { AppError } from '../kernel/app-error.js';
import type { Database } from '../platform/database/index.js';
import type { EgressGuard } from '../platform/egress/index.js';
import type { AdminTx } from './admin-changes.js';
import { Faults } from './domain/faults.js';
import { holdsSecret, injectsCredential } from './domain/providers/provider-kinds.js';
import { originOf } from './domain/resources/origin.js';
import type { ResourceDraft } from './domain/resources/resource-draft.js';
import { ApplicationEntity } from './persistence/entities/application.entity.js';
import { holdObject, lockObject } from './persistence/locks.js';
import { ProviderEntity } from './persistence/entities/provider.entity.js';
import type { ResourceEntity } from './persistence/entities/resource.entity.js';
import { updateRow } from './persistence/writes.js';

/** What a resource refers to: its upstream, its provider, the application that serves it. */
export class ResourceReferences {
  constructor(
    private readonly database: Database,
    private readonly egress: EgressGuard,
  ) {}

  /**
   * Refuses an upstream or an egress grant that the operator does not allow: AppError `egress_denied` or `invalid_request`. `plannedKind` is that
   * of a provider that does not exist yet.
   */
  async checkEgress(zone: string, draft: ResourceDraft, plannedKind?: string): Promise<void> {
    if (draft.upstreamUrl === null) return;
    const kind = plannedKind ?? (await this.kindOf(zone, draft.provider));
    await this.egress.checkRegistration(draft.upstreamUrl, {
      grants: draft.egress,
      injectsCredential: injectsCredential(kind),
    });
  }

  private async kindOf(zone: string, id: string | null): Promise<string> {
    const provider =
      id === null ? null : await this.database.readZone(zone, (tx) => tx.em.findOneBy(ProviderEntity, { zone, id }));
    return provider?.kind ?? 'none';
  }

  /** Refuses references that would dangle, and holds those that do not until the transaction ends. */
  async hold(tx: AdminTx, draft: ResourceDraft, before?: ResourceEntity): Promise<void> {
    const faults = new Faults();
    if (draft.serverApplication !== (before?.serverApplication ?? null))
      await checkServer(tx, draft.serverApplication, faults);
    const provider = await this.holdProvider(tx, draft, { before, faults });
    faults.refuse();
    const leads = draft.provider !== before?.provider || draft.upstreamUrl !== before.upstreamUrl;
    if (provider && leads) await bindSecret(tx, provider, draft.upstreamUrl);
  }

  /** A provider that was archived since it was named may stay where it is; nobody names it anew. */
  private async holdProvider(
    tx: AdminTx,
    draft: ResourceDraft,
    { before, faults }: { before: ResourceEntity | undefined; faults: Faults },
  ): Promise<ProviderEntity | undefined> {
    if (draft.provider === null) return undefined;
    const provider = await lockProvider(tx, draft.provider);
    const kept = draft.provider === before?.provider;
    if (!kept && provider?.status !== 'active')
      faults.add('provider', 'must be the id of an active provider of this zone');
    if (draft.enforcement === 'direct' && provider && provider.kind !== 'none') {
      faults.add('provider', 'must be of kind none: a direct resource is not called through the gateway');
    }
    return provider;
  }
}

async function checkServer(tx: AdminTx, id: string | null, faults: Faults): Promise<void> {
  if (id === null) return;
  const application = await holdObject(tx, ApplicationEntity, id);
  if (application?.status !== 'active')
    faults.add('server_application', 'must be the id of an active application of this zone');
}

/**
 * Ties a provider's secret to the origin it is first sent to. Whoever may change a resource but does not know the secret could otherwise have it
 * sent to a place of their own (T5, T12).
 */
async function bindSecret(tx: AdminTx, provider: ProviderEntity, upstreamUrl: string | null): Promise<void> {
  if (upstreamUrl === null || provider.status !== 'active' || !holdsSecret(provider.kind)) return;
  const origin = originOf(upstreamUrl);
  if (provider.boundOrigin === origin) return;
  if (provider.boundOrigin === null) {
    await updateRow(tx, ProviderEntity, provider.id, { boundOrigin: origin });
    tx.changed('provider', provider.id);
    return;
  }
  const message = `The secret of this provider is bound to ${provider.boundOrigin}. Make another provider for another place.`;
  throw new AppError('conflict', message);
}

async function lockProvider(tx: AdminTx, id: string): Promise<ProviderEntity | undefined> {
  try {
    return await lockObject(tx, ProviderEntity, id);
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return undefined;
    throw error;
  }
}
