import { IsIn, IsString, Length, Matches } from 'class-validator';
import { IsReason, Optional } from './rules.js';

export class WaitQuery {
  /** Seconds to wait for a decision. */
  @Optional()
  @Matches(/^(?:\d|1\d|2[0-5])$/, { message: 'must be a whole number of seconds from 0 to 25' })
  wait?: string;
}

export class ApprovalDecisionDto {
  @IsIn(['approve', 'deny'])
  decision!: 'approve' | 'deny';

  /** The binding that was shown; any other text is the wrong one. */
  @IsString()
  @Length(1, 256)
  binding!: string;

  @Optional()
  @IsReason()
  reason?: string;
}
