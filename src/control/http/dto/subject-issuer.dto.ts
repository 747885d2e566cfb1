import { ArrayMaxSize, ArrayMinSize, ArrayUnique, IsArray, IsString, Matches, MaxLength } from 'class-validator';
import { IsText, IsUrlText, Optional } from './rules.js';

const MOST_ALGORITHMS = 16;
const MOST_CLAIM_NAME = 128;
const CLAIM_NAME = /^[!-~]+$/;

/** An OpenID provider whose users may be subjects here. */
export class CreateSubjectIssuerDto {
  /** Its issuer identifier, byte for byte as its tokens have it. */
  @IsUrlText()
  issuer!: string;

  /** Our client id there: the audience of the id_tokens that are meant for us. */
  @Matches(/\S/, { message: 'must not be empty' })
  @IsText(255)
  audience!: string;

  @Optional()
  @ArrayUnique()
  @IsString({ each: true })
  @ArrayMaxSize(MOST_ALGORITHMS)
  @ArrayMinSize(1)
  @IsArray()
  algorithms?: string[];

  /** The claim that names the user; `sub` unless it is said. */
  @Optional()
  @Matches(CLAIM_NAME, { message: 'must be the name of a claim, like sub' })
  @MaxLength(MOST_CLAIM_NAME)
  @IsString()
  subject_claim?: string;
}

/** What can change. Another issuer, or another claim, would make other people of the same names: that is another object. */
export class PatchSubjectIssuerDto {
  @Optional()
  @Matches(/\S/, { message: 'must not be empty' })
  @IsText(255)
  audience?: string;

  @Optional()
  @ArrayUnique()
  @IsString({ each: true })
  @ArrayMaxSize(MOST_ALGORITHMS)
  @ArrayMinSize(1)
  @IsArray()
  algorithms?: string[];
}
