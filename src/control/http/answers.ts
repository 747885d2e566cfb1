import type { FastifyReply } from 'fastify';
import type { JsonObject } from '../../kernel/json.js';
import { parseTime } from '../../kernel/times.js';
import { etag } from '../../platform/http/index.js';

/** Answers an object with the tag of its version (RFC 9110 §8.8.3). */
export function tagged(reply: FastifyReply, row: { readonly version: number }, body: JsonObject): JsonObject {
  void reply.header('etag', etag(row.version));
  return body;
}

/** Answers an object that was just made: with its tag, and where it is from now on (RFC 9110 §10.2.2). */
export function created(
  reply: FastifyReply,
  row: { readonly version: number },
  made: { readonly at: string; readonly body: JsonObject },
): JsonObject {
  void reply.header('location', made.at);
  return tagged(reply, row, made.body);
}

/** The same members without the class a DTO gave them, which neither JSON columns nor the ledger take. */
export function plain<T extends object>(value: T): T {
  return structuredClone(value);
}

/** Milliseconds of a time that validation let through; null and undefined stay what they mean. */
export function timeOf<T extends null | undefined>(text: string | T): number | T {
  return typeof text === 'string' ? (parseTime(text) as number) : text;
}
