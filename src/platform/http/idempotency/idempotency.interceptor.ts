import { createHash } from 'node:crypto';
import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { lastValueFrom, of, type Observable } from 'rxjs';
import { AppError } from '../../../kernel/app-error.js';
import { canonicalize } from '../../../kernel/canonical-json.js';
import { isJsonObject, type JsonValue } from '../../../kernel/json.js';
import { callerOf } from '../request/caller.js';
import { IDEMPOTENCY, type IdempotentOptions } from './idempotency-options.js';
import { parseIdempotencyKey } from './idempotency-key.js';
import { IdempotencyStore, type KeyScope, type StoredAnswer } from './idempotency-store.js';

const KEPT_HEADERS = ['etag', 'location'] as const;

/** Makes a creation that is repeated under the same `Idempotency-Key` happen once (draft-ietf-httpapi-idempotency-key-header §2). */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(private readonly store: IdempotencyStore) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const key = parseIdempotencyKey(request.headers['idempotency-key']);
    if (key === undefined) return next.handle();
    const { secretMembers = [] } = Reflect.getMetadata(IDEMPOTENCY, context.getHandler()) as IdempotentOptions;
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    const scope = scopeOf(request, key);
    const claim = await this.store.claim(scope, digestOf(request.body), request.id);
    switch (claim.kind) {
      case 'answered':
        return of(replay(reply, claim.answer));
      case 'other_body':
        throw new AppError('idempotency_key_reused', 'This Idempotency-Key was used for another request.');
      case 'running':
        throw new AppError('idempotency_in_progress', 'A request with this Idempotency-Key is still running.', {
          retryAfter: 1,
        });
      case 'lost':
        throw new AppError(
          'conflict',
          `A request with this Idempotency-Key took effect and its answer was lost; the ledger knows it as request ${claim.requestId}.`,
        );
      case 'ours':
        return of(await this.run(scope, reply, next, secretMembers));
    }
  }

  private async run(
    scope: KeyScope,
    reply: FastifyReply,
    next: CallHandler,
    secretMembers: readonly string[],
  ): Promise<unknown> {
    let body: unknown;
    try {
      body = await lastValueFrom(next.handle(), { defaultValue: undefined });
    } catch (error) {
      // The refusal is the answer that matters; a key that cannot be given back ends with its lease.
      await this.store.release(scope).catch(() => undefined);
      throw error;
    }
    // What was created exists whether or not this is stored; without it a repeat is told so.
    await this.store.answer(scope, storable(reply, body, secretMembers)).catch(() => undefined);
    return body;
  }
}

function scopeOf(request: FastifyRequest, key: string): KeyScope {
  const { id, zone } = callerOf(request);
  return { zone, caller: id, route: `${request.method} ${request.url.split('?', 1)[0] ?? ''}`, key };
}

function digestOf(body: unknown): Buffer {
  return createHash('sha256')
    .update(canonicalize((body ?? null) as JsonValue))
    .digest();
}

function storable(reply: FastifyReply, body: unknown, secretMembers: readonly string[]): StoredAnswer {
  const headers = KEPT_HEADERS.flatMap((name) => {
    const value = reply.getHeader(name);
    return typeof value === 'string' ? [[name, value] as const] : [];
  });
  return { status: reply.statusCode, headers: Object.fromEntries(headers), body: withoutSecrets(body, secretMembers) };
}

function withoutSecrets(body: unknown, secretMembers: readonly string[]): JsonValue {
  const plain = body === undefined ? null : (JSON.parse(JSON.stringify(body)) as JsonValue);
  if (!isJsonObject(plain) || !secretMembers.some((name) => name in plain)) return plain;
  const kept = Object.entries(plain).filter(([name]) => !secretMembers.includes(name));
  return { ...Object.fromEntries(kept), secret_shown: true };
}

function replay(reply: FastifyReply, { status, headers, body }: StoredAnswer): JsonValue {
  void reply.code(status).headers(headers);
  return body;
}
