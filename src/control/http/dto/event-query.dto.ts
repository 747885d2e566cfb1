import { IsIn, IsString, Matches, MaxLength } from 'class-validator';
import { IsTime, Optional } from './rules.js';

const INDEX = /^(?:0|[1-9][0-9]{0,14})$/;
const INDEX_RULE = { message: 'must be an index of the ledger, like 42' };

/** Filters of a zone's events: the entry's own member names, a half-open range of indices, a half-open range of times. */
export class EventQuery {
  @Optional()
  @IsString()
  limit?: string;

  @Optional()
  @IsString()
  cursor?: string;

  @Optional()
  @MaxLength(255)
  @IsString()
  type?: string;

  @Optional()
  @IsIn(['allow', 'deny', 'hold'])
  decision?: string;

  @Optional()
  @MaxLength(128)
  @IsString()
  request_id?: string;

  @Optional()
  @MaxLength(255)
  @IsString()
  txn?: string;

  @Optional()
  @MaxLength(255)
  @IsString()
  session?: string;

  @Optional()
  @MaxLength(255)
  @IsString()
  application?: string;

  @Optional()
  @MaxLength(1_024)
  @IsString()
  subject?: string;

  @Optional()
  @MaxLength(255)
  @IsString()
  delegation?: string;

  @Optional()
  @MaxLength(2_048)
  @IsString()
  resource?: string;

  @Optional()
  @MaxLength(255)
  @IsString()
  reason?: string;

  @Optional()
  @MaxLength(255)
  @IsString()
  jti?: string;

  /** The first index. */
  @Optional()
  @Matches(INDEX, INDEX_RULE)
  from?: string;

  /** The index to stop before. */
  @Optional()
  @Matches(INDEX, INDEX_RULE)
  to?: string;

  @Optional()
  @IsTime()
  since?: string;

  @Optional()
  @IsTime()
  until?: string;
}

/** Filters of the administrative changes of all zones. */
export class AdminAuditQuery {
  @Optional()
  @IsString()
  limit?: string;

  @Optional()
  @IsString()
  cursor?: string;

  @Optional()
  @MaxLength(128)
  @IsString()
  request_id?: string;

  @Optional()
  @MaxLength(128)
  @IsString()
  zone?: string;

  /** Id of the admin token. */
  @Optional()
  @MaxLength(128)
  @IsString()
  token?: string;

  /** `<area>.<action>`, like `zones.kill`. */
  @Optional()
  @MaxLength(128)
  @IsString()
  action?: string;

  @Optional()
  @IsTime()
  since?: string;

  @Optional()
  @IsTime()
  until?: string;
}
