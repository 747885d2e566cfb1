import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import type { FastifyRequest } from 'fastify';
import type { Observable } from 'rxjs';
import { AppError } from '../../../kernel/app-error.js';
import { isJsonObject } from '../../../kernel/json.js';

const MOST_FAULTS = 100;

/** Refuses what no parameter of the handler takes, as the ValidationPipe does where one does. */
abstract class UnreadInput implements NestInterceptor {
  private readonly readers = new WeakMap<object, boolean>();

  /** `reading`: the parameters that take this kind of input. */
  protected constructor(private readonly reading: ReadonlySet<number>) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const fields = this.fieldsOf(context.switchToHttp().getRequest<FastifyRequest>());
    if (fields.length > 0 && !this.reads(context)) refuse(fields);
    return next.handle();
  }

  /** The members that came; an empty name stands for an input that has none. */
  protected abstract fieldsOf(request: FastifyRequest): readonly string[];

  private reads(context: ExecutionContext): boolean {
    const handler = context.getHandler();
    const known = this.readers.get(handler);
    if (known !== undefined) return known;
    const args: unknown = Reflect.getMetadata(ROUTE_ARGS_METADATA, context.getClass(), handler.name);
    const reads = Object.keys(args ?? {}).some((key) => this.reading.has(Number(key.split(':')[0])));
    this.readers.set(handler, reads);
    return reads;
  }
}

/** For bodies. Whoever takes the request takes its body. */
export class UnreadBodyInterceptor extends UnreadInput {
  constructor() {
    super(new Set([RouteParamtypes.BODY, RouteParamtypes.REQUEST]));
  }

  protected override fieldsOf({ body }: FastifyRequest): readonly string[] {
    if (body === undefined || body === null) return [];
    return isJsonObject(body) ? Object.keys(body) : [''];
  }
}

/** For queries: who asks for less than everything must not be answered as if it had not been said. */
export class UnreadQueryInterceptor extends UnreadInput {
  constructor() {
    super(new Set([RouteParamtypes.QUERY]));
  }

  protected override fieldsOf({ query }: FastifyRequest): readonly string[] {
    return Object.keys(query ?? {});
  }
}

function refuse(fields: readonly string[]): never {
  throw new AppError('invalid_request', 'The request is not valid.', {
    errors: fields.slice(0, MOST_FAULTS).map((field) => ({ field, message: messageOf(field) })),
  });
}

function messageOf(field: string): string {
  return field === '' ? 'must be a JSON object' : `property ${field} should not exist`;
}
