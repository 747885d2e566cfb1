import { IsIn, IsString, Length, Matches } from 'class-validator';
import { IsText, IsWhole, Optional } from './rules.js';

const SIZE = /^(?:0|[1-9][0-9]{0,14})$/;
const SIZE_RULE = { message: 'must be a number of entries, like 42' };

export class ConsistencyQuery {
  @Matches(SIZE, SIZE_RULE)
  @IsString()
  from!: string;

  /** Default: the last checkpoint's. */
  @Optional()
  @Matches(SIZE, SIZE_RULE)
  @IsString()
  to?: string;
}

export class AcknowledgeRollbackDto {
  @Length(1, 500)
  @IsText(500)
  reason!: string;
}

export class CreateExportDto {
  @IsIn(['jsonl'])
  format!: 'jsonl';

  /** The first index; default: the first that is still there. */
  @Optional()
  @IsWhole(0, Number.MAX_SAFE_INTEGER)
  from?: number;

  /** The index after the last; default: what the ledger holds now. */
  @Optional()
  @IsWhole(1, Number.MAX_SAFE_INTEGER)
  to?: number;
}
