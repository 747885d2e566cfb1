import { getMetadataStorage, ValidationTypes } from 'class-validator';
import type { FieldFault } from '../../../kernel/app-error.js';
import { isJsonObject } from '../../../kernel/json.js';

type Class = new () => object;

const NUL = '\0';

/**
 * Lists where objects are asked for. The validation library looks into a list wherever it looks into an object, and takes an
 * empty one, or a list in a list, for sound.
 */
export function nestingFaults(dto: object, parent = ''): FieldFault[] {
  return nestedMembers(dto.constructor as Class).flatMap(({ name, each }) => {
    const value = (dto as Readonly<Record<string, unknown>>)[name];
    const field = `${parent}${name}`;
    if (value === undefined || value === null) return [];
    if (!each) return objectFaults(value, field);
    return Array.isArray(value) ? value.flatMap((item, at) => objectFaults(item, `${field}.${at}`)) : [];
  });
}

function objectFaults(value: unknown, field: string): FieldFault[] {
  return isJsonObject(value) ? nestingFaults(value, `${field}.`) : [{ field, message: 'must be a JSON object' }];
}

function nestedMembers(dto: Class): { readonly name: string; readonly each: boolean }[] {
  return getMetadataStorage()
    .getTargetValidationMetadatas(dto, '', false, false)
    .filter(({ type }) => type === ValidationTypes.NESTED_VALIDATION)
    .map(({ propertyName, each }) => ({ name: propertyName, each }));
}

/** Texts and names with a NUL, wherever they stand: valid in JSON and in queries, and no column of the database can hold one. */
export function unstorableFaults(value: unknown, field = ''): FieldFault[] {
  if (typeof value === 'string') return value.includes(NUL) ? [{ field, message: 'must hold no NUL character' }] : [];
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const inside = field === '' ? name : `${field}.${name}`;
    if (name.includes(NUL)) return [{ field, message: 'must hold no NUL character in a name' }];
    return unstorableFaults(member, inside);
  });
}
