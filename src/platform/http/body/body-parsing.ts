import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../../../kernel/app-error.js';
import { parseJsonStrict, StrictJsonError, type JsonValue } from '../../../kernel/json.js';
import { routeAccess } from '../access/route-access.js';
import { bodyRule, type BodyRule } from './body-rules.js';
import { Form, FormError, parseForm } from './form.js';
import { isMediaType } from './media-type.js';

const BODY_SECONDS = 30;
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Replaces every parser of Fastify by one that goes by the route: limits, media types and strict parsing are decided before
 * a byte of the body is read. Contexts that are registered later may replace it for their own routes.
 */
export function installBodyParsing(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', (route) => {
    const access = route.config?.access;
    if (access) route.bodyLimit = bodyRule(access).limit;
  });
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (hasBody(request) && !isRawContext(request)) limitTime(request);
    done();
  });
  fastify.addHook('preParsing', async (request, _reply, payload) => {
    const rule = ruleOf(request);
    if (rule) judgeHeaders(request, rule);
    return payload;
  });
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      done(null, parseBody(request, body as Buffer));
    } catch (error) {
      done(error as Error, undefined);
    }
  });
}

function ruleOf(request: FastifyRequest): BodyRule | undefined {
  const access = routeAccess(request);
  return access && bodyRule(access);
}

function judgeHeaders(request: FastifyRequest, rule: BodyRule): void {
  if (request.method === 'GET' || request.method === 'HEAD') return;
  if (rule.kind === 'form' && request.url.includes('?')) {
    throw new AppError('invalid_request', 'Parameters are accepted in the body only, never in the query.');
  }
  if (!isAcceptable(request, rule)) {
    throw new AppError('unsupported_media_type', 'The media type of the request body is not supported here.');
  }
}

function isAcceptable(request: FastifyRequest, { kind }: BodyRule): boolean {
  const { 'content-type': contentType, 'content-encoding': encoding = 'identity' } = request.headers;
  if (encoding.toLowerCase() !== 'identity') return false;
  // A JSON body may be left out where nothing in it is mandatory; a form may not.
  if (contentType === undefined) return kind === 'json' && !hasBody(request);
  return isMediaType(kind, contentType);
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

/** A route that reads its own body: it was registered without an access declaration. */
function isRawContext(request: FastifyRequest): boolean {
  return !request.is404 && routeAccess(request) === undefined;
}

/**
 * Cuts a client that sends its body too slowly, also one whose request was refused before its body was read. The server's own
 * request timeout is off: it would cut long uploads through raw contexts.
 */
function limitTime({ raw }: FastifyRequest): void {
  const timer = setTimeout(() => raw.destroy(), BODY_SECONDS * 1000).unref();
  const stop = () => clearTimeout(timer);
  raw.once('end', stop);
  raw.once('close', stop);
}

function parseBody(request: FastifyRequest, bytes: Buffer): JsonValue | Form | undefined {
  // What no route matched is answered 404 or 405 whatever it holds.
  const rule = ruleOf(request);
  if (!rule) return undefined;
  return rule.kind === 'form' ? parseFormBody(bytes) : parseJsonBody(bytes);
}

function parseJsonBody(bytes: Buffer): JsonValue | undefined {
  if (bytes.length === 0) return undefined;
  try {
    return parseJsonStrict(UTF8.decode(bytes));
  } catch (error) {
    const reason = error instanceof StrictJsonError ? error.reason : 'not_utf8';
    throw new AppError('invalid_request', 'The request body is not acceptable JSON.', {
      members: { reason },
      cause: error,
    });
  }
}

function parseFormBody(bytes: Buffer): Form {
  try {
    return parseForm(bytes);
  } catch (error) {
    if (!(error instanceof FormError)) throw error;
    throw new AppError('invalid_request', 'The request body is not an acceptable form.', {
      detail: error.reason,
      cause: error,
    });
  }
}
