import type { FastifyRequest } from 'fastify';
import { Form, requestFacts, summarize } from '../../platform/http/index.js';
import type { OAuthCall } from '../caller-authentication.js';

/** What an OAuth endpoint reads of a request. Repeated Authorization fields are all kept: the parser would hide every one but the first. */
export function oauthCall(zone: string, form: Form, request: FastifyRequest): OAuthCall {
  summarize(request, { zone });
  return { zone, form, authorization: authorizationFields(request.raw.rawHeaders), facts: requestFacts(request) };
}

function authorizationFields(rawHeaders: readonly string[]): readonly string[] {
  const values: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === 'authorization') values.push(rawHeaders[index + 1] as string);
  }
  return values;
}
