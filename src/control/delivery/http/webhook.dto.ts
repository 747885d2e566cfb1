import { ArrayMaxSize, ArrayMinSize, ArrayUnique, IsArray, IsString, MaxLength } from 'class-validator';
import { IsSlug, IsUrlText, Optional } from '../../http/dto/rules.js';

const MOST_EVENTS = 64;
const LONGEST_EVENT = 128;

export class CreateWebhookDto {
  @IsUrlText()
  url!: string;

  /** Types of ledger entries, or `*` for all of them; `ledger.checkpoint` is told of the log's latest checkpoint. */
  @ArrayUnique()
  @MaxLength(LONGEST_EVENT, { each: true })
  @IsString({ each: true })
  @ArrayMaxSize(MOST_EVENTS)
  @ArrayMinSize(1)
  @IsArray()
  events!: string[];

  /** Slug of the zone to be told of; all of them, and the server's own, when it is omitted. */
  @Optional()
  @IsSlug()
  zone?: string;
}

export class PatchWebhookDto {
  @Optional()
  @IsUrlText()
  url?: string;

  @Optional()
  @ArrayUnique()
  @MaxLength(LONGEST_EVENT, { each: true })
  @IsString({ each: true })
  @ArrayMaxSize(MOST_EVENTS)
  @ArrayMinSize(1)
  @IsArray()
  events?: string[];
}
