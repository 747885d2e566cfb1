import type { FastifyRequest } from 'fastify';
import { Form, headerLines, requestFacts, summarize } from '../../platform/http/index.js';
import type { OAuthCall } from '../caller-authentication.js';

/** What an OAuth endpoint reads of a request. Repeated header fields are all kept: the parser would hide every one but the first. */
export function oauthCall(zone: string, form: Form, request: FastifyRequest): OAuthCall {
  summarize(request, { zone });
  const { rawHeaders } = request.raw;
  return {
    zone,
    form,
    authorization: headerLines(rawHeaders, 'authorization'),
    dpop: headerLines(rawHeaders, 'dpop'),
    facts: requestFacts(request),
  };
}
