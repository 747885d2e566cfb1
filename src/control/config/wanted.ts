import type { JsonObject } from '../../kernel/json.js';
import { Precondition } from '../../platform/http/index.js';
import type { AdminCall, AdminChanges } from '../admin-changes.js';
import type { ConfigItem } from '../domain/config/config-plan.js';
import type { ConfigParts } from './config-parts.js';
import type { IdsByName } from './ids-by-name.js';

/** What is there when an object is written: nobody else changes it meanwhile, so its version need not be named. */
export const ANY_VERSION = Precondition.parse('*');

/** Before the transaction: where the network may be asked. `id` is null for what is not there yet. */
export interface Vetting {
  readonly call: AdminCall;
  readonly parts: ConfigParts;
  readonly id: string | null;
  readonly ids: IdsByName;
  readonly dryRun: boolean;
  /** The kind of the provider of this name, whether it is there or about to be made. */
  readonly providerKind: (zone: string, name: string) => string;
  /** Zones that the document makes. */
  readonly planned: ReadonlySet<string>;
}

/** In the transaction, with the use cases that belong to it. */
export interface Step {
  readonly call: AdminCall;
  readonly changes: AdminChanges;
  readonly parts: ConfigParts;
  readonly id: string | null;
  readonly ids: IdsByName;
}

/** Something that was vetted, to be written; answers its id. */
export type Write = (step: Step) => Promise<string>;

/** A wanted object with the very input that makes it. */
export interface Wanted extends ConfigItem {
  readonly vet: (vetting: Vetting) => Promise<Write>;
}

/** An object whose input needs nothing from outside. */
export function plainly(write: Write): Wanted['vet'] {
  return () => Promise.resolve(write);
}

/** As JSON has it: without the classes of the DTOs. */
export function bodyOf(body: object): JsonObject {
  return JSON.parse(JSON.stringify(body)) as JsonObject;
}

export function differ(wanted: string | undefined, there: string): boolean {
  return wanted !== undefined && wanted !== there;
}
