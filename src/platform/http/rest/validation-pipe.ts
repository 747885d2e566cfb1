import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { validate } from 'class-validator';
import { AppError, type FieldFault } from '../../../kernel/app-error.js';
import { isJsonObject } from '../../../kernel/json.js';
import { fieldFaults } from './field-faults.js';
import { nestingFaults, unstorableFaults } from './input-shape.js';

type Class = new () => object;

const UNCHECKED: ReadonlySet<unknown> = new Set([Object, String, Number, Boolean, Array]);
const MAX_FAULTS = 100;

/**
 * Turns a body or query into its DTO class or refuses it with every fault: unknown members are faults, nothing is converted
 * (`"1"` is no number). A parameter without a DTO class passes as it is, unless some text of it cannot be stored.
 */
export class ValidationPipe implements PipeTransform {
  async transform(value: unknown, { type, metatype }: ArgumentMetadata): Promise<unknown> {
    if (type !== 'body' && type !== 'query') return value;
    if (!isDto(metatype)) return storable(value);
    if (value instanceof metatype) return value;
    const plain = value ?? {};
    if (!isJsonObject(plain)) throw invalid([{ field: '', message: 'must be a JSON object' }]);
    const dto = plainToInstance(metatype, plain, { exposeUnsetFields: false });
    const faults = await validate(dto, {
      whitelist: true,
      forbidNonWhitelisted: true,
      forbidUnknownValues: true,
      stopAtFirstError: true,
    });
    const told = faults.length > 0 ? fieldFaults(faults) : nestingFaults(dto);
    if (told.length > 0) throw invalid(told);
    storable(plain);
    return dto;
  }
}

function storable<T>(value: T): T {
  const faults = unstorableFaults(value);
  if (faults.length > 0) throw invalid(faults);
  return value;
}

/** True for the class of a parameter whose members the pipe judges. */
export function isDto(metatype: unknown): metatype is Class {
  return typeof metatype === 'function' && !UNCHECKED.has(metatype);
}

function invalid(faults: readonly FieldFault[]): AppError {
  return new AppError('invalid_request', 'The request is not valid.', { errors: faults.slice(0, MAX_FAULTS) });
}
