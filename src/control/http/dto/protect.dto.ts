import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsBoolean, IsObject, ValidateIf, ValidateNested } from 'class-validator';
import { MOST_OPERATIONS } from '../../domain/resources/operations.js';
import { MOST_SCOPES } from '../../domain/resources/scope-names.js';
import { ProviderPartDto } from './provider.dto.js';
import { EgressDto, OperationDto, ScopeDto } from './resource.dto.js';
import { IsName, IsUrlText, Optional } from './rules.js';

/** Everything that is needed to put one upstream under governance. */
export class ProtectDto {
  @IsName()
  name!: string;

  @IsUrlText()
  upstream_url!: string;

  @ValidateNested()
  @Type(() => ProviderPartDto)
  @IsObject({ message: 'must be a JSON object with a kind, like {"kind":"none"}' })
  provider!: ProviderPartDto;

  /** One scope for everything when it is omitted. */
  @Optional()
  @ValidateNested({ each: true })
  @Type(() => ScopeDto)
  @ArrayMaxSize(MOST_SCOPES)
  @IsArray()
  scopes?: ScopeDto[];

  /** Every call when it is omitted, for the one scope. */
  @ValidateIf((dto: ProtectDto) => dto.operations !== undefined)
  @ValidateNested({ each: true })
  @Type(() => OperationDto)
  @ArrayMaxSize(MOST_OPERATIONS)
  @IsArray()
  operations?: OperationDto[];

  @Optional()
  @IsBoolean()
  mcp?: boolean;

  @Optional()
  @ValidateNested()
  @Type(() => EgressDto)
  egress?: EgressDto;
}
