import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import type { FastifyRequest } from 'fastify';
import type { Observable } from 'rxjs';
import { AppError } from '../../../kernel/app-error.js';
import { isJsonObject } from '../../../kernel/json.js';

/** Refuses members of a body that no parameter of the handler takes, as the ValidationPipe does where one does. */
export class UnreadBodyInterceptor implements NestInterceptor {
  private readonly readers = new WeakMap<object, boolean>();

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { body } = context.switchToHttp().getRequest<FastifyRequest>();
    if (body !== undefined && body !== null && !this.reads(context)) refuseMembers(body);
    return next.handle();
  }

  private reads(context: ExecutionContext): boolean {
    const handler = context.getHandler();
    const known = this.readers.get(handler);
    if (known !== undefined) return known;
    const args: unknown = Reflect.getMetadata(ROUTE_ARGS_METADATA, context.getClass(), handler.name);
    const reads = Object.keys(args ?? {}).some((key) => READING.has(Number(key.split(':')[0])));
    this.readers.set(handler, reads);
    return reads;
  }
}

/** Whoever takes the request takes its body. */
const READING: ReadonlySet<number> = new Set([RouteParamtypes.BODY, RouteParamtypes.REQUEST]);

function refuseMembers(body: unknown): void {
  const fields = isJsonObject(body) ? Object.keys(body) : [''];
  if (fields.length === 0) return;
  throw new AppError('invalid_request', 'The request is not valid.', {
    errors: fields.slice(0, MOST_FAULTS).map((field) => ({ field, message: messageOf(field) })),
  });
}

const MOST_FAULTS = 100;

function messageOf(field: string): string {
  return field === '' ? 'must be a JSON object' : `property ${field} should not exist`;
}
