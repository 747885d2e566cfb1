import { AppError } from '../../kernel/app-error.js';
import { canonicalize } from '../../kernel/canonical-json.js';
import type { JsonValue } from '../../kernel/json.js';
import type { AdminCall } from '../admin-changes.js';
import { configPlan, placeOf, type ConfigChange, type CurrentItem } from '../domain/config/config-plan.js';
import type { ConfigExport } from './config-export.js';
import { joinedParts, type ConfigParts } from './config-parts.js';
import type { ConfigDto } from './http/config.dto.js';
import { IdsByName } from './ids-by-name.js';
import type { Joined, JointChanges } from './joint-changes.js';
import { wantedIn, type ShownSecret } from './wanted-documents.js';
import type { Vetting, Wanted, Write } from './wanted.js';

export interface ApplyOptions {
  /** Everything is done and then undone. */
  readonly dryRun: boolean;
  /** The tag of the document that this one was made from; nothing is done when it is no longer the current one. */
  readonly ifMatch?: string | undefined;
}

export interface Applied {
  readonly changes: readonly ConfigChange[];
  readonly secrets: readonly ShownSecret[];
}

interface Planned {
  readonly change: ConfigChange;
  readonly write: Write;
}

/** Brings the server to a configuration: makes what is missing, changes what differs, leaves everything else. */
export class ConfigApply {
  constructor(
    private readonly parts: ConfigParts,
    private readonly current: ConfigExport,
    private readonly joint: JointChanges,
  ) {}

  /**
   * Does it, in one transaction in which every object has its own ledger entry. Throws what the first object that is refused is refused with, which names it;
   * then nothing was done. A dry run is the same transaction, undone at its end.
   */
  async apply(call: AdminCall, document: ConfigDto, options: ApplyOptions): Promise<Applied> {
    const secrets = new Map<string, ShownSecret>();
    const wanted = wantedIn(document, (secret) => secrets.set(secret.id, secret));
    refuseDoubles(wanted);
    const current = await this.currentOf(document);
    const plan = configPlan(wanted, current);
    const planned = await this.vet(call, { wanted, current, plan }, options);
    const zones = document.zones.map(({ slug }) => slug);
    const changes = await this.joint.run(
      zones,
      async (joined) => {
        await this.requireUnchanged(document, wanted, plan);
        await this.requireMatch(options.ifMatch);
        return this.write(call, { planned, current }, joined);
      },
      options,
    );
    if (options.dryRun) return { changes: plan, secrets: [] };
    for (const { kind, op, zone } of changes) if (kind === 'zone' && op === 'create') this.parts.zones.isThere(zone);
    return { changes, secrets: [...secrets.values()] };
  }

  private async currentOf({ zones, webhooks }: ConfigDto): Promise<CurrentItem[]> {
    const current: CurrentItem[] = [];
    for (const slug of new Set(zones.map((zone) => zone.slug))) current.push(...(await this.current.items(slug)));
    if (webhooks) current.push(...(await this.current.webhooks()));
    return current;
  }

  /** What asks the network comes before the transaction. */
  private async vet(
    call: AdminCall,
    {
      wanted,
      current,
      plan,
    }: { wanted: readonly Wanted[]; current: readonly CurrentItem[]; plan: readonly ConfigChange[] },
    { dryRun }: ApplyOptions,
  ): Promise<readonly Planned[]> {
    const byPlace = new Map(wanted.map((item) => [placeOf(item), item]));
    const created = plan.filter(({ kind, op }) => kind === 'zone' && op === 'create').map(({ zone }) => zone);
    const common: Omit<Vetting, 'id'> = {
      call,
      parts: this.parts,
      ids: new IdsByName(current),
      dryRun,
      providerKind: kindsOf([...current, ...wanted]),
      planned: new Set(created),
    };
    const planned: Planned[] = [];
    for (const change of plan) {
      const item = byPlace.get(placeOf(change));
      if (!item) continue;
      planned.push({ change, write: await located(item.vet({ ...common, id: change.id }), change) });
    }
    return planned;
  }

  private async write(
    call: AdminCall,
    { planned, current }: { planned: readonly Planned[]; current: readonly CurrentItem[] },
    joined: Joined,
  ): Promise<readonly ConfigChange[]> {
    const parts = joinedParts(this.parts, joined);
    const ids = new IdsByName(current);
    const done: ConfigChange[] = [];
    for (const { change, write } of planned) {
      const id = await located(write({ call, changes: joined.admin, parts, ids, id: change.id }), change);
      ids.add({ ...change, id });
      done.push({ ...change, id });
    }
    return done;
  }

  /** What was planned and vetted is what is written, or nothing. */
  private async requireUnchanged(
    document: ConfigDto,
    wanted: readonly Wanted[],
    plan: readonly ConfigChange[],
  ): Promise<void> {
    const again = configPlan(wanted, await this.currentOf(document));
    const text = (changes: readonly ConfigChange[]): string => canonicalize(changes as unknown as JsonValue);
    if (text(again) !== text(plan))
      throw new AppError('conflict', 'The configuration changed while this one was being applied; nothing was done.');
  }

  private async requireMatch(tags: string | undefined): Promise<void> {
    if (tags === undefined || tags.trim() === '*') return;
    const { etag } = await this.current.document();
    if (!tags.split(',').some((tag) => tag.trim() === etag))
      throw new AppError('precondition_failed', 'The configuration has changed since you read it.');
  }
}

/** By zone and name, of what is there and what is wanted, the latter before the former. */
function kindsOf(items: readonly Pick<Wanted, 'kind' | 'zone' | 'key' | 'body'>[]): Vetting['providerKind'] {
  const providers = items.filter(({ kind }) => kind === 'provider');
  const kinds = new Map(providers.map(({ zone, key, body }) => [`${zone} ${key}`, body['kind']]));
  return (zone, name) => {
    const kind = kinds.get(`${zone} ${name}`);
    return typeof kind === 'string' ? kind : 'none';
  };
}

/** Two objects of one name: which of them would hold? */
function refuseDoubles(wanted: readonly Wanted[]): void {
  const seen = new Set<string>();
  for (const { kind, zone, key } of wanted) {
    const place = placeOf({ kind, zone, key });
    if (seen.has(place))
      throw new AppError('invalid_request', 'The request is not valid.', {
        errors: [{ field: 'zones', message: `names the ${kind} ${key} of ${zone} twice` }],
      });
    seen.add(place);
  }
}

/** A refusal says which object it is about; `applied` is 0, since nothing was done. */
async function located<T>(work: Promise<T>, { kind, zone, key, op }: ConfigChange): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError(error.code, `${kind} ${key} of ${zone}: ${error.publicDetail}`, {
      ...(error.errors ? { errors: error.errors } : {}),
      members: { ...error.members, failed: { op, kind, zone, key }, applied: 0 },
      cause: error,
    });
  }
}
