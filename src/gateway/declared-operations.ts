import type { IncomingMessage } from 'node:http';
import { parseJsonStrict } from '../kernel/json.js';
import type { Binding } from './bindings.js';
import { holds, type MatchedOperation, operationsFor } from './domain/operation.js';
import type { GatewayTarget } from './domain/target.js';
import { valuesOf } from './domain/upstream-request.js';
import { hasBody, type Incoming, openBody } from './http/incoming.js';

/** What a resource declares about a call, by method and path and by what the operation says beyond them. */
export interface DeclaredOperation {
  readonly operation: MatchedOperation | undefined;
  /** The body, when it had to be read to know; these very bytes are forwarded. */
  readonly body?: Buffer | undefined;
}

const JSON_TYPE = /^\s*application\/(?:[\w.+-]+\+)?json\s*(?:;\s*charset\s*=\s*"?utf-?8"?\s*)?$/i;
/** What is decided on is held in memory. */
const LONGEST_BODY = 4_194_304;

/** The declared operation that covers the call, if one does. The body is read only when that depends on it. */
export async function matchDeclared(
  binding: Binding,
  incoming: Incoming,
  { path, query }: GatewayTarget,
): Promise<DeclaredOperation> {
  const { request } = incoming;
  const candidates = operationsFor(binding.operations, request.method ?? '', path);
  if (candidates[0]?.conditions === undefined) return { operation: candidates[0] };
  const asksBody = candidates.some(({ conditions }) => conditions?.body !== undefined);
  const body = asksBody && isPlainJson(request) ? await readBody(binding, incoming) : undefined;
  const facts = { path, query, body: body && parsed(body) };
  return { operation: candidates.find((operation) => holds(operation, facts)), body };
}

/** The whole body, within what may be held in memory. */
export async function readBody({ limits }: Binding, incoming: Incoming): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of openBody(incoming, Math.min(LONGEST_BODY, limits.maxBodyBytes)))
    chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** JSON that an upstream reads as we do: one media type, in UTF-8 (RFC 8259 §8.1), not encoded. */
function isPlainJson(request: IncomingMessage): boolean {
  const [type = '', ...others] = valuesOf(request.rawHeaders, 'content-type');
  const isEncoded = valuesOf(request.rawHeaders, 'content-encoding').length > 0;
  return hasBody(request) && others.length === 0 && JSON_TYPE.test(type) && !isEncoded;
}

/** The value that every JSON parser reads; undefined when they might differ. */
function parsed(body: Buffer): unknown {
  try {
    return parseJsonStrict(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body));
  } catch {
    return undefined;
  }
}
