import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { Type } from 'class-transformer';
import {
  ArrayMinSize,
  ArrayUnique,
  Equals,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsString,
  Length,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { AppError } from '../../../kernel/app-error.js';
import { ValidationPipe } from './validation-pipe.js';

class InnerFaultsDto {
  @IsString()
  scope!: string;
}

class FaultsDto {
  @Max(3_650)
  @Min(30)
  @IsInt()
  days!: number;

  @Length(1, 128)
  @IsString()
  name!: string;

  @IsBoolean()
  mcp!: boolean;

  @IsIn(['a', 'b'])
  choice!: string;

  @Equals(1)
  v!: number;

  @Matches(/^x/, { message: 'must begin with x' })
  own!: string;

  @ArrayUnique()
  @ArrayMinSize(1)
  @IsString({ each: true })
  @IsArray()
  scopes!: string[];

  @ValidateNested({ each: true })
  @Type(() => InnerFaultsDto)
  @IsArray()
  inner!: InnerFaultsDto[];
}

const sound = {
  days: 365,
  name: 'x',
  mcp: true,
  choice: 'a',
  v: 1,
  own: 'x',
  scopes: ['a'],
  inner: [{ scope: 'a' }],
};

async function faults(body: object): Promise<unknown> {
  const argument = { type: 'body', metatype: FaultsDto } as const;
  try {
    return await new ValidationPipe().transform(body, argument);
  } catch (error) {
    return (error as AppError).errors?.map(({ field, message }) => `${field}: ${message}`);
  }
}

describe('faults of a request', () => {
  it.each([
    ['a number that is too small', { days: 1 }, 'days: must be at least 30, like 30'],
    ['a number as text', { days: '40' }, 'days: must be a whole number, like 30'],
    ['a text of no character', { name: '' }, 'name: must be 1 to 128 characters, like Billing API'],
    ['a missing member', { name: undefined }, 'name: is required: it must be a text, like Billing API'],
    ['a missing member with words of its own', { own: undefined }, 'own: is required: it must begin with x'],
    ['a missing list', { scopes: undefined }, 'scopes: is required: it must be a list, like ["invoices:read"]'],
    ['a truth in words', { mcp: 'yes' }, 'mcp: must be true or false'],
    ['another choice', { choice: 'c' }, 'choice: must be one of a, b'],
    ['another version', { v: 2 }, 'v: must be 1'],
    ['words of its own', { own: 'y' }, 'own: must begin with x'],
    ['no list', { scopes: 'a' }, 'scopes: must be a list, like ["invoices:read"]'],
    ['another thing in a list', { scopes: [1] }, 'scopes: each item must be a text, like ["invoices:read"]'],
    ['an empty list', { scopes: [] }, 'scopes: must have at least 1 item, like ["invoices:read"]'],
    ['something twice', { scopes: ['a', 'a'] }, 'scopes: must not name anything twice, like ["invoices:read"]'],
    ['a member of a member', { inner: [{ scope: 1 }] }, 'inner.0.scope: must be a text, like invoices:read'],
    ['an unknown member', { inner: [{ scope: 'a', x: 1 }] }, 'inner.0.x: is not known here; known are scope'],
  ])('of %s: the field, the rule and an example', async (_, change, expected) => {
    expect(await faults({ ...sound, ...change })).toEqual([expected]);
  });

  it('are all told at once, and a sound request is handed on as its class', async () => {
    expect(await faults({ ...sound, days: 1, v: 2 })).toHaveLength(2);
    expect(await faults(sound)).toBeInstanceOf(FaultsDto);
  });
});
