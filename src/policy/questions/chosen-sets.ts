import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/index.js';
import type { PolicySource } from '../cedar/compiled-policy-set.js';
import { withDraft } from '../cedar/draft-slots.js';
import { nearestPermits } from '../cedar/nearest-permits.js';
import { validateText } from '../cedar/policy-text.js';
import { mentions } from '../domain/projection.js';
import { DEFAULT_POLICY_SET, type PolicySet } from '../domain/policy-set.js';
import type { NearestPermits } from '../domain/questions/missing-permission.js';
import { invalidMember, refuseFaults } from '../policy-faults.js';
import { readActiveSet, readSchema, readSet } from '../persistence/policy-store.js';

/** Which policies are asked about: a text that stands for the whole set, a version, or what is active. */
export interface SetChoice {
  readonly cedar?: string | undefined;
  readonly version?: number | undefined;
}

/** Policies that can be asked. */
export interface ChosenSet {
  readonly set: PolicySet;
  /** Null for a text that was never kept. */
  readonly version: number | null;
  readonly nearest: NearestPermits;
  readonly mentions: (word: string) => boolean;
}

const DEFAULT_SOURCES = { version: 0, sources: [{ id: 'default', cedar: 'permit(principal, action, resource);' }] };

/** Opens policies for questions, whether they are in force or not. */
@Injectable()
export class ChosenSets {
  constructor(private readonly database: Database) {}

  /** Throws `invalid_request` for a text that is not valid and for a version that does not exist. */
  async open<T>(zone: string, choice: SetChoice, work: (chosen: ChosenSet) => T | Promise<T>): Promise<T> {
    const { version, sources } = await this.sources(zone, choice);
    const common = {
      version,
      nearest: (input: Parameters<NearestPermits>[0]) => nearestPermits(sources, input),
      mentions: mentions(sources.map((source) => source.cedar).join('\n')),
    };
    if (version === 0) return work({ ...common, set: DEFAULT_POLICY_SET });
    return withDraft({ version: version ?? -1, sources }, (set) => work({ ...common, set }));
  }

  /** The texts of a choice; version 0 is the default set. */
  async sources(
    zone: string,
    { cedar, version }: SetChoice,
  ): Promise<{ readonly version: number | null; readonly sources: readonly PolicySource[] }> {
    if (cedar !== undefined && version !== undefined)
      throw invalidMember('version', 'must not stand beside cedar: name one of the two');
    if (cedar !== undefined) return { version: null, sources: [{ id: 'draft', cedar: await this.valid(zone, cedar) }] };
    if (version === 0) return DEFAULT_SOURCES;
    const found = await this.database.readZone(zone, (tx) =>
      version === undefined ? readActiveSet(tx) : readSet(tx, version),
    );
    if (found) return { version: found.version, sources: found.policies };
    if (version !== undefined) throw invalidMember('version', 'there is no such policy set');
    return DEFAULT_SOURCES;
  }

  private async valid(zone: string, cedar: string): Promise<string> {
    refuseFaults(validateText(cedar, await this.database.readZone(zone, readSchema)), 'cedar');
    return cedar;
  }
}
