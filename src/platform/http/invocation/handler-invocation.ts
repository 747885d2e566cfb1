import type { ExecutionContext } from '@nestjs/common';
import { RESPONSE_PASSTHROUGH_METADATA, ROUTE_ARGS_METADATA, SSE_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { DeclaredRoute } from '../access/check-routes.js';
import { ValidationPipe } from '../rest/validation-pipe.js';

/** What a handler is called with instead of a request over the wire. Values of `query` are texts, as in a URL. */
export interface HandlerInput {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
  /** The principal that the guards of the route would have found. */
  readonly user: object;
}

interface RouteArgument {
  readonly index: number;
  readonly data?: unknown;
  readonly factory?: (data: unknown, context: ExecutionContext) => unknown;
}

const CUSTOM = '__customRouteArgs__';
const pipe = new ValidationPipe();

/** False for handlers that write their own answer (streams, pages, files): they have no result that could be handed on. */
export function hasPlainResult(route: DeclaredRoute): boolean {
  const handler = methodOf(route);
  if (Reflect.hasMetadata(SSE_METADATA, handler)) return false;
  const arguments_ = argumentsOf(route);
  if (arguments_.some(([type]) => type === RouteParamtypes.REQUEST)) return false;
  const answers = arguments_.some(([type]) => type === RouteParamtypes.RESPONSE);
  return !answers || Reflect.getMetadata(RESPONSE_PASSTHROUGH_METADATA, route.controller, route.property) === true;
}

/**
 * Calls a route's handler in process, with its inputs validated by the same DTO classes as over the wire, and answers what it returns. `request` is
 * the request this call is part of: its id, address and trace are what the handler sees. Guards and interceptors do not run; whoever calls has
 * authorized the call.
 */
export async function invokeHandler(
  controller: object,
  route: DeclaredRoute,
  input: HandlerInput,
  request: FastifyRequest,
): Promise<unknown> {
  const handler = methodOf(route);
  const inner = innerRequest(request, input);
  const context = new ExecutionContextHost([inner, silentReply()], route.controller as never, handler);
  context.setType('http');
  const types = (Reflect.getMetadata('design:paramtypes', route.controller.prototype, route.property) ?? []) as never[];
  const values: unknown[] = [];
  for (const [type, argument] of argumentsOf(route)) {
    const value = valueOf(type, argument, { input, inner, context });
    const checked = type === RouteParamtypes.BODY ? 'body' : type === RouteParamtypes.QUERY ? 'query' : 'custom';
    values[argument.index] = await pipe.transform(value, { type: checked, metatype: types[argument.index] });
  }
  return (handler as (...args: unknown[]) => unknown).apply(controller, values);
}

function valueOf(
  type: RouteParamtypes | typeof CUSTOM,
  { data, factory }: RouteArgument,
  scene: { readonly input: HandlerInput; readonly inner: FastifyRequest; readonly context: ExecutionContextHost },
): unknown {
  const { params, query, body } = scene.input;
  const named = typeof data === 'string' ? data : undefined;
  if (type === CUSTOM) return factory?.(data, scene.context);
  if (type === RouteParamtypes.PARAM) return named === undefined ? params : params[named];
  if (type === RouteParamtypes.QUERY) return named === undefined ? query : query[named];
  if (type === RouteParamtypes.BODY) return body;
  if (type === RouteParamtypes.RESPONSE) return scene.context.switchToHttp().getResponse<FastifyReply>();
  throw new Error(`a handler with a parameter of kind ${type} cannot be called in process`);
}

function methodOf({ controller, property }: DeclaredRoute): never {
  return (controller.prototype as Record<string, unknown>)[property] as never;
}

function argumentsOf({ controller, property }: DeclaredRoute): [RouteParamtypes | typeof CUSTOM, RouteArgument][] {
  const found = (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, property) ?? {}) as Record<string, RouteArgument>;
  return Object.entries(found).map(([key, argument]) => [
    key.includes(CUSTOM) ? CUSTOM : (Number(key.split(':')[0]) as RouteParamtypes),
    argument,
  ]);
}

/** The outer request with the inputs of the inner call: what is known of the peer stays what it is. */
function innerRequest(request: FastifyRequest, { params, query, body, headers, user }: HandlerInput): FastifyRequest {
  const own = { params, query, body, headers: { ...headers }, user };
  return Object.create(
    request,
    Object.fromEntries(Object.entries(own).map(([name, value]) => [name, { value, enumerable: true }])),
  ) as FastifyRequest;
}

/** Status and header fields belong to an answer over the wire; here only the result counts. */
function silentReply(): FastifyReply {
  const reply: unknown = new Proxy({}, { get: (_, name) => (name === 'then' ? undefined : (): unknown => reply) });
  return reply as FastifyReply;
}
