import type { ServerResponse } from 'node:http';
import { PROBLEM_MEDIA_TYPE, problemDocument } from '../../platform/http/index.js';
import {
  type ChallengeFacts,
  dpopChallenge,
  insufficientScopeChallenge,
  unauthorizedChallenge,
} from '../domain/challenge.js';
import type { GatewayCode, GatewayError, RpcFault } from '../domain/gateway-error.js';
import { ALLOWED_METHODS } from '../domain/request-rule.js';

/** What a refusal's answer needs besides the refusal. */
export interface RefusalFacts {
  readonly requestId: string;
  /** The public base URL. */
  readonly base: string;
  /** Undefined before the resource is known. */
  readonly metadataUrl?: string | undefined;
  readonly tokenPresented: boolean;
  /** The scopes of the operation, when they are known without a token. */
  readonly scope?: string | undefined;
  /** `zone/index` of the ledger entry, when there is one. */
  readonly receipt?: string | undefined;
  /** What proofs may be signed with. */
  readonly algorithms: readonly string[];
  /** What `DPoP-Nonce` says; undefined where the zone asks for none. */
  readonly nonce?: string | undefined;
  /** Names and values in turn. */
  readonly rateLimit: readonly string[];
}

const TEXTS: Readonly<Record<GatewayCode, string>> = {
  invalid_token: 'A valid mandate for this resource is required.',
  replayed: 'The mandate may be used once and has been used.',
  revoked: 'The authority behind the mandate has ended.',
  insufficient_scope: 'The mandate does not cover this operation.',
  operation_not_permitted: 'The resource does not declare this operation.',
  access_denied: 'Policy does not permit this call.',
  approval_required: 'A person must approve this call first.',
  path_not_allowed: 'The path could be read in more than one way.',
  invalid_request: 'The request is malformed.',
  not_found: 'There is no such resource.',
  method_not_allowed: 'The method is not allowed here.',
  request_too_large: 'The request body is larger than the resource takes.',
  rate_limited: 'Too many requests.',
  egress_denied: 'The upstream may not be reached from here.',
  upstream_unavailable: 'The upstream did not answer properly.',
  credential_unavailable: 'The credential for the upstream is not available.',
  upstream_timeout: 'The upstream did not answer in time.',
  view_stale: 'The state that decisions need cannot be confirmed now.',
  audit_unavailable: 'The audit ledger cannot be written; nothing was done.',
  overloaded: 'There is too much under way at the moment.',
};

/** Answers a refusal of the gateway's own: a problem document (RFC 9457) with `Caracal-Error`, told apart from the upstream's by it. */
export function answerRefusal(response: ServerResponse, error: GatewayError, facts: RefusalFacts): void {
  const { code, status, members } = error;
  const document = problemDocument(facts.base, {
    code,
    status,
    detail: TEXTS[code],
    requestId: facts.requestId,
    members,
  });
  const { rpc } = error;
  const body = Buffer.from(JSON.stringify(rpc ? rpcDocument(rpc, document) : document));
  const headers = [
    'Content-Type',
    rpc ? 'application/json' : PROBLEM_MEDIA_TYPE,
    'Content-Length',
    String(body.length),
    'Cache-Control',
    'no-store',
  ];
  headers.push('X-Request-Id', facts.requestId, 'Caracal-Error', code);
  if (facts.receipt !== undefined) headers.push('Authority-Receipt', facts.receipt);
  if (error.retryAfter !== undefined) headers.push('Retry-After', String(error.retryAfter));
  if (facts.nonce !== undefined) headers.push('DPoP-Nonce', facts.nonce);
  if (status === 405) headers.push('Allow', ALLOWED_METHODS.join(', '));
  response.writeHead(status, [...headers, ...challenge(error, facts), ...facts.rateLimit]);
  response.end(body);
}

/** Readers of JSON-RPC take no members besides its own, so the problem is the error's data. */
function rpcDocument({ id, code, message }: RpcFault, problem: object): object {
  return { jsonrpc: '2.0', id, error: { code, message, data: problem } };
}

function challenge(error: GatewayError, facts: RefusalFacts): string[] {
  const { metadataUrl, tokenPresented } = facts;
  if (metadataUrl === undefined) return [];
  const known = { metadataUrl, tokenPresented, scope: error.scope ?? facts.scope };
  if (error.status === 401) return unauthorized(error, facts.algorithms, known);
  return error.code === 'insufficient_scope' ? ['WWW-Authenticate', insufficientScopeChallenge(known)] : [];
}

/** A caller that came with the DPoP scheme is answered in it; one that sent a bound token as bearer is told of both. */
function unauthorized({ dpop }: GatewayError, algorithms: readonly string[], known: ChallengeFacts): string[] {
  const bearer = ['WWW-Authenticate', unauthorizedChallenge(known)];
  if (dpop === undefined) return bearer;
  const named = ['WWW-Authenticate', dpopChallenge(known, algorithms, dpop === 'none' ? undefined : dpop)];
  return dpop === 'none' ? [...bearer, ...named] : named;
}
