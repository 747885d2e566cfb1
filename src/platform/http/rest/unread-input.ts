import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../../../kernel/app-error.js';
import { isJsonObject } from '../../../kernel/json.js';
import type { Access } from '../access/access.js';
import { routeAccess } from '../access/route-access.js';
import { isDto } from './validation-pipe.js';
import { PAGE_MEMBERS } from './pagination.js';

const MOST_FAULTS = 100;
/** Where clients of our own API ask. Clients of standard endpoints add parameters (RFC 6749 §3.1, §3.2), as do browsers and monitoring systems. */
const OURS: ReadonlySet<Access['kind']> = new Set<Access['kind']>(['admin', 'runtime', 'control']);

/** What a handler takes of one kind of input: all members (a DTO class judges them), these, or none. */
type Taken = 'all' | readonly string[];

interface Inputs {
  readonly body: Taken;
  readonly query: Taken;
}

interface RouteArgument {
  readonly index: number;
  readonly data?: unknown;
}

/**
 * Refuses what no parameter of the handler takes, in the words in which a DTO class refuses what it does not know: who asks for less than everything
 * must not be answered as if it had not been said. A guard behind the one that knows who asks: an interceptor would take every request through a chain of
 * observables.
 */
export class UnreadInputGuard implements CanActivate {
  private readonly known = new WeakMap<object, Inputs>();

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const { body, query } = this.inputsOf(context);
    refuse(membersOf(request.body), body, 'body');
    if (takesOurQuery(routeAccess(request))) refuse(Object.keys(request.query ?? {}), query, 'query');
    return true;
  }

  private inputsOf(context: ExecutionContext): Inputs {
    const handler = context.getHandler();
    const known = this.known.get(handler) ?? readInputs(context.getClass(), handler.name);
    this.known.set(handler, known);
    return known;
  }
}

function takesOurQuery(access: Access | undefined): boolean {
  return access !== undefined && OURS.has(access.kind) && !('scrape' in access && access.scrape === true);
}

/** The members that came; an empty name stands for a body that has none. */
function membersOf(body: unknown): readonly string[] {
  if (body === undefined || body === null) return [];
  return isJsonObject(body) ? Object.keys(body) : [''];
}

function readInputs(controller: object, method: string): Inputs {
  const args = Object.entries(
    (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, method) ?? {}) as Record<string, RouteArgument>,
  );
  const of = (type: RouteParamtypes): RouteArgument | undefined =>
    args.find(([key]) => key.split(':')[0] === String(type))?.[1];
  // Whoever takes the request takes its body.
  const body = of(RouteParamtypes.BODY) ?? of(RouteParamtypes.REQUEST);
  const query = of(RouteParamtypes.QUERY);
  const { prototype } = controller as { readonly prototype: object };
  const types = (Reflect.getMetadata('design:paramtypes', prototype, method) ?? []) as unknown[];
  return {
    body: body === undefined ? [] : 'all',
    // Lists without filters read their query as it is.
    query: query === undefined ? [] : isDto(types[query.index]) ? 'all' : PAGE_MEMBERS,
  };
}

function refuse(came: readonly string[], taken: Taken, what: 'body' | 'query'): void {
  if (taken === 'all') return;
  const unread = came.filter((name) => !taken.includes(name));
  if (unread.length === 0) return;
  const nothing = `the request takes no ${what}`;
  const unknown = `is not known here; ${taken.length > 0 ? `known are ${taken.join(', ')}` : nothing}`;
  throw new AppError('invalid_request', 'The request is not valid.', {
    errors: unread
      .slice(0, MOST_FAULTS)
      .map((field) => ({ field, message: field === '' ? `must be left out; ${nothing}` : unknown })),
  });
}
