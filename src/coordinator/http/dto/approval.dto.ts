import { IsIn, Matches } from 'class-validator';
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

  /** The binding that was shown. */
  @Matches(/^[0-9a-f]{64}$/, { message: 'must be the binding of the approval: 64 hexadecimal digits' })
  binding!: string;

  @Optional()
  @IsReason()
  reason?: string;
}
