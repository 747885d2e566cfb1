import { HTTP_CODE_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import type { DeclaredRoute } from '../access/check-routes.js';
import { IDEMPOTENCY } from '../idempotency/idempotency-options.js';
import { ALSO_ANSWERS } from './also-answers.js';
import { isConditional } from '../rest/preconditions.js';

export type DtoClass = (new () => object) & { readonly name: string };

/** What a handler reads of a request, as its parameters say. */
export interface HandlerInputs {
  readonly body?: DtoClass;
  readonly query?: DtoClass;
  /** It pages: `limit` and `cursor`. */
  readonly pages: boolean;
  readonly idempotent: boolean;
  readonly conditional: boolean;
  readonly status: number;
  /** Further statuses of success. */
  readonly also: readonly number[];
}

interface RouteArgument {
  readonly index: number;
  readonly data?: unknown;
  readonly factory?: unknown;
}

const PLAIN: ReadonlySet<unknown> = new Set([Object, String, Number, Boolean, Array, undefined]);

/** Reads the metadata that Nest's own decorators leave on a controller. */
export function handlerInputs({ controller, property, method }: DeclaredRoute): HandlerInputs {
  const handler = (controller.prototype as Record<string, object>)[property] as object;
  const args = Object.entries(
    (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, property) ?? {}) as Record<string, RouteArgument>,
  );
  const types = (Reflect.getMetadata('design:paramtypes', controller.prototype, property) ?? []) as unknown[];
  const query = argument(args, RouteParamtypes.QUERY);
  const queryDto = dtoOf(query, types);
  return {
    ...given('body', dtoOf(argument(args, RouteParamtypes.BODY), types)),
    ...given('query', queryDto),
    pages: method === 'GET' && query !== undefined && queryDto === undefined,
    idempotent: Reflect.hasMetadata(IDEMPOTENCY, handler),
    conditional: args.some(([, { factory }]) => isConditional(factory)),
    also: (Reflect.getMetadata(ALSO_ANSWERS, handler) as readonly number[] | undefined) ?? [],
    status: (Reflect.getMetadata(HTTP_CODE_METADATA, handler) as number | undefined) ?? (method === 'POST' ? 201 : 200),
  };
}

function argument(
  args: readonly (readonly [string, RouteArgument])[],
  type: RouteParamtypes,
): RouteArgument | undefined {
  return args.find(([key, { data }]) => key.startsWith(`${type}:`) && data === undefined)?.[1];
}

function dtoOf(found: RouteArgument | undefined, types: readonly unknown[]): DtoClass | undefined {
  const type = found && types[found.index];
  return typeof type === 'function' && !PLAIN.has(type) ? (type as DtoClass) : undefined;
}

function given<K extends string>(key: K, value: DtoClass | undefined): { readonly [P in K]?: DtoClass } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: DtoClass };
}
