import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import type { FastifyRequest } from 'fastify';
import type { Observable } from 'rxjs';
import { invalidRequest } from '../../domain/faults.js';

/** Refuses a query that no parameter of the handler takes, as lists do: who asks for less than everything must not be answered as if it had not been said. */
export class UnreadQueryInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { query } = context.switchToHttp().getRequest<FastifyRequest>();
    const fields = Object.keys(query ?? {});
    if (fields.length > 0 && !reads(context))
      throw invalidRequest(fields.map((field) => ({ field, message: `property ${field} should not exist` })));
    return next.handle();
  }
}

function reads(context: ExecutionContext): boolean {
  const args: unknown = Reflect.getMetadata(ROUTE_ARGS_METADATA, context.getClass(), context.getHandler().name);
  return Object.keys(args ?? {}).some((key) => Number(key.split(':')[0]) === Number(RouteParamtypes.QUERY));
}
