import { IsIn, IsString } from 'class-validator';
import { Optional } from './rules.js';

/** A list's query. `limit` and `cursor` are judged where the page is made. */
export class ListQuery {
  @Optional()
  @IsString()
  limit?: string;

  @Optional()
  @IsString()
  cursor?: string;

  /** Without it, everything that is not archived. */
  @Optional()
  @IsIn(['active', 'killed', 'revoked', 'archived'], {
    message: 'must be active, archived, or, where it applies, killed or revoked',
  })
  status?: string;
}

/** The query of a list without states. */
export class PageQuery {
  @Optional()
  @IsString()
  limit?: string;

  @Optional()
  @IsString()
  cursor?: string;
}
