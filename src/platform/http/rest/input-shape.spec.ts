import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { Type } from 'class-transformer';
import { IsArray, IsString, ValidateNested } from 'class-validator';
import { AppError, type FieldFault } from '../../../kernel/app-error.js';
import { Optional } from './optional.js';
import { ValidationPipe } from './validation-pipe.js';

class InnerDto {
  @Optional()
  @IsString()
  text?: string;

  @Optional()
  @ValidateNested()
  @Type(() => InnerDto)
  inner?: InnerDto;
}

class OuterDto {
  @Optional()
  @ValidateNested()
  @Type(() => InnerDto)
  one?: InnerDto;

  @Optional()
  @ValidateNested({ each: true })
  @Type(() => InnerDto)
  @IsArray()
  many?: InnerDto[];

  @Optional()
  free?: unknown;
}

async function faultsOf(value: unknown, metatype: unknown, type: 'body' | 'query' | 'param' = 'body') {
  const argument = { type, metatype } as Parameters<ValidationPipe['transform']>[1];
  const fault = await new ValidationPipe().transform(value, argument).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (fault === undefined) return [];
  expect(fault).toBeInstanceOf(AppError);
  const { code, errors = [] } = fault as AppError;
  expect(code).toBe('invalid_request');
  return errors.map(({ field }: FieldFault) => field);
}

describe('[T1] a list is no object', () => {
  it.each<[object, string[]]>([
    [{ one: {} }, []],
    [{ one: { inner: { text: 'a' } }, many: [{}, { text: 'a' }] }, []],
    [{ many: [] }, []],
    [{ one: [] }, ['one']],
    [{ one: [[]] }, ['one']],
    [{ one: [{ text: 'a' }] }, ['one']],
    [{ one: { inner: [] } }, ['one.inner']],
    [{ many: [[]] }, ['many.0']],
    [{ many: [{}, [{ text: 'a' }]] }, ['many.1']],
    [{ many: [{ inner: [] }] }, ['many.0.inner']],
  ])('%j', async (body, fields) => {
    expect(await faultsOf(body, OuterDto)).toEqual(fields);
  });
});

describe('[T8] a text with a NUL is the caller’s fault, wherever it stands', () => {
  it.each<[string, unknown, unknown, 'body' | 'query' | 'param', string[]]>([
    ['a member', { one: { text: 'a\0' } }, OuterDto, 'body', ['one.text']],
    ['a list', { many: [{}, { text: '\0' }] }, OuterDto, 'body', ['many.1.text']],
    ['what no rule describes', { free: [{ a: ['\0'] }] }, OuterDto, 'body', ['free.0.a.0']],
    ['a name', { free: { 'a\0': 1 } }, OuterDto, 'body', ['free']],
    ['a query', { one: { text: '\0' } }, OuterDto, 'query', ['one.text']],
    ['a query without rules', { cursor: 'a\0', limit: '1' }, Object, 'query', ['cursor']],
    ['a repeated parameter', { a: ['b', '\0'] }, Object, 'query', ['a.1']],
    ['nothing', { free: { a: 'b' } }, OuterDto, 'body', []],
  ])('in %s', async (_name, value, metatype, type, fields) => {
    expect(await faultsOf(value, metatype, type)).toEqual(fields);
  });
});
