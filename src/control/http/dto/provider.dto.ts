import type { JsonObject } from '../../../kernel/json.js';
import { IsMembers, IsName, IsText, Optional } from './rules.js';

/** A provider inside another request: it may be named after what it is for. */
export class ProviderPartDto {
  @Optional()
  @IsName()
  name?: string;

  @IsText(64)
  kind!: string;

  /** Its members depend on the kind. */
  @Optional()
  @IsMembers()
  config?: JsonObject;

  /** Its members depend on the kind. It is sealed and never shown. */
  @Optional()
  @IsMembers()
  secret?: JsonObject;
}

export class CreateProviderDto {
  @IsName()
  name!: string;

  @IsText(64)
  kind!: string;

  @Optional()
  @IsMembers()
  config?: JsonObject;

  @Optional()
  @IsMembers()
  secret?: JsonObject;
}

export class PatchProviderDto {
  @Optional()
  @IsName()
  name?: string;

  /** Replaces the configuration whole. */
  @Optional()
  @IsMembers()
  config?: JsonObject;

  /** Replaces the secret whole. */
  @Optional()
  @IsMembers()
  secret?: JsonObject;
}
