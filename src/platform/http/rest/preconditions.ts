import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../../../kernel/app-error.js';

const ETAG = /^"[\x21\x23-\x7e]*"$/;

/** The strong entity tag of an object at a version (RFC 9110 §8.8.3). */
export function etag(version: number): string {
  return `"${version}"`;
}

/** The condition an update carries in `If-Match` (RFC 9110 §13.1.1). */
export class Precondition {
  private constructor(private readonly tags: readonly string[] | '*') {}

  /** Throws `precondition_required` without the header, `precondition_failed` on one that can match nothing. */
  static parse(header: string | undefined): Precondition {
    if (header === undefined || header.trim() === '') {
      throw new AppError('precondition_required', 'Send If-Match with the ETag of the object as you read it.');
    }
    if (header.trim() === '*') return new Precondition('*');
    // A weak tag never matches strongly (§8.8.3.2), so it is a tag that matches nothing.
    return new Precondition(
      header
        .split(',')
        .map((tag) => tag.trim())
        .filter((tag) => ETAG.test(tag)),
    );
  }

  /** Throws `precondition_failed` unless the object is still at a version the caller named. Call it under the row's lock. */
  assert(version: number): void {
    if (this.tags === '*' || this.tags.includes(etag(version))) return;
    throw new AppError('precondition_failed', 'The object has changed since you read it.');
  }
}

/** The {@link Precondition} of a request; refuses with 428 when it carries none. */
export function requireIfMatch(request: FastifyRequest): Precondition {
  return Precondition.parse(request.headers['if-match']);
}

type ParamFactory<T> = (argument: unknown, context: ExecutionContext) => T;

const conditional = new WeakSet<object>();

/** A parameter decorator whose factory asks for {@link requireIfMatch}: the description of the API shows the header on its routes. */
export function conditionalParam<T>(factory: ParamFactory<T>): () => ParameterDecorator {
  conditional.add(factory);
  return createParamDecorator(factory);
}

/** True for the factory of a {@link conditionalParam}. */
export function isConditional(factory: unknown): boolean {
  return typeof factory === 'function' && conditional.has(factory);
}
