import { IsIn, IsString, Matches } from 'class-validator';
import { IsText, IsTime, Optional } from './rules.js';

const INDEX = /^(?:0|[1-9][0-9]{0,14})$/;
const INDEX_RULE = { message: 'must be an index of the ledger, like 42' };

/** Filters of a zone's events, as they are read and as they come: the entry's own member names, and where to begin. */
export class EventFilters {
  @Optional()
  @IsText(255)
  type?: string;

  @Optional()
  @IsIn(['allow', 'deny', 'hold'])
  decision?: string;

  @Optional()
  @IsText(128)
  request_id?: string;

  @Optional()
  @IsText(255)
  txn?: string;

  @Optional()
  @IsText(255)
  session?: string;

  /** A session: everything of the tree in which it is. */
  @Optional()
  @IsText(255)
  tree?: string;

  /** Id or token of who acted. */
  @Optional()
  @IsText(255)
  actor?: string;

  @Optional()
  @IsText(255)
  application?: string;

  @Optional()
  @IsText(1_024)
  subject?: string;

  @Optional()
  @IsText(255)
  delegation?: string;

  @Optional()
  @IsText(2_048)
  resource?: string;

  @Optional()
  @IsText(255)
  reason?: string;

  @Optional()
  @IsText(255)
  jti?: string;

  /** The first index. */
  @Optional()
  @Matches(INDEX, INDEX_RULE)
  from?: string;

  @Optional()
  @IsTime()
  since?: string;
}

/** Besides, where a page begins and where to stop: half-open ranges of indices and of times. */
export class EventQuery extends EventFilters {
  @Optional()
  @IsString()
  limit?: string;

  @Optional()
  @IsString()
  cursor?: string;

  /** The index to stop before. */
  @Optional()
  @Matches(INDEX, INDEX_RULE)
  to?: string;

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
  @IsText(128)
  request_id?: string;

  @Optional()
  @IsText(128)
  zone?: string;

  /** Id of the admin token. */
  @Optional()
  @IsText(128)
  token?: string;

  /** `<area>.<action>`, like `zones.kill`. */
  @Optional()
  @IsText(128)
  action?: string;

  @Optional()
  @IsTime()
  since?: string;

  @Optional()
  @IsTime()
  until?: string;
}
