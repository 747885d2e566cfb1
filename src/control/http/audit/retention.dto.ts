import { Length } from 'class-validator';
import { IsText, IsWhole, Optional } from '../dto/rules.js';

const LONGEST_REASON = 500;
const LONGEST_SUBJECT = 255;

export class RetentionDto {
  @IsWhole(30, 3_650)
  days!: number;
}

export class HoldDto {
  /** The first index; default: the first that is still there. */
  @Optional()
  @IsWhole(0, Number.MAX_SAFE_INTEGER)
  from?: number;

  /** The index after the last; without it, everything from `from` on. */
  @Optional()
  @IsWhole(1, Number.MAX_SAFE_INTEGER)
  to?: number;

  @Length(1, LONGEST_REASON)
  @IsText(LONGEST_REASON)
  reason!: string;
}

export class ReleaseHoldDto {
  @Length(1, LONGEST_REASON)
  @IsText(LONGEST_REASON)
  reason!: string;
}

/** What of the personal payload is to be erased: of a subject, of a range, or of a subject in a range. */
export class ErasureDto {
  @Optional()
  @Length(1, LONGEST_SUBJECT)
  @IsText(LONGEST_SUBJECT)
  subject?: string;

  /** The first index; default 0. */
  @Optional()
  @IsWhole(0, Number.MAX_SAFE_INTEGER)
  from?: number;

  /** The index after the last. */
  @Optional()
  @IsWhole(1, Number.MAX_SAFE_INTEGER)
  to?: number;

  @Length(1, LONGEST_REASON)
  @IsText(LONGEST_REASON)
  reason!: string;
}
