import { IsIn, IsString } from 'class-validator';
import { IsReference, IsText, Optional } from './rules.js';

const STATUSES = ['pending', 'approved', 'denied', 'expired', 'consumed'] as const;

/** `limit` and `cursor` are judged where the page is made. */
export class ApprovalQuery {
  @Optional()
  @IsString()
  limit?: string;

  @Optional()
  @IsString()
  cursor?: string;

  @Optional()
  @IsIn(STATUSES)
  status?: (typeof STATUSES)[number];

  @Optional()
  @IsReference()
  application?: string;

  @Optional()
  @IsReference()
  session?: string;
}

export class ApprovalReasonDto {
  @Optional()
  @IsText(500)
  reason?: string;
}
