import { createHash } from 'node:crypto';
import aws4 from 'aws4';
import { GatewayError } from '../domain/gateway-error.js';
import { type RawHeaders, valuesOf } from '../domain/upstream-request.js';

/** What requests are signed with. */
export interface AwsCredential {
  readonly region: string;
  readonly service: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
}

/** A request exactly as it will be sent. */
export interface RequestToSign {
  readonly method: string;
  readonly target: string;
  readonly host: string;
  readonly headers: RawHeaders;
  /** Undefined for none; a stream is not known yet. */
  readonly body: Buffer | 'stream' | undefined;
}

export interface SignedRequest {
  readonly headers: string[];
  /** What must not come back. */
  readonly secrets: readonly string[];
}

const DATE = 'x-amz-date';
const TOKEN = 'x-amz-security-token';
const HASH = 'x-amz-content-sha256';
/** Replaced whatever the caller sent. */
const REPLACED = new Set([DATE, TOKEN, HASH, 'authorization', 'date']);
const SIGNED = new Set(['content-md5', 'content-type', 'host']);
/** A payload that only the upstream can judge: its hash, or that it is not signed. Chunks signed under the caller's own key cannot be. */
const DECLARED = /^(?:[0-9a-f]{64}|UNSIGNED-PAYLOAD|STREAMING-UNSIGNED-PAYLOAD-TRAILER)$/;
const UNSIGNED = 'UNSIGNED-PAYLOAD';

/**
 * The header fields of the request with an AWS Signature Version 4 over what is really sent: method, raw target, `host`, content type and every
 * `x-amz-` field, and the payload's hash. The caller's own hash is kept, because the upstream checks it. Throws `invalid_request` for a payload
 * whose chunks carry signatures of the caller's.
 */
export function signRequest(request: RequestToSign, credential: AwsCredential, now: number): SignedRequest {
  const declared = valuesOf(request.headers, HASH)[0];
  if (declared !== undefined && !DECLARED.test(declared))
    throw new GatewayError('invalid_request', { detail: 'the payload is signed by the caller' });
  const sent = withoutReplaced(request.headers);
  const own: [string, string][] = [
    [DATE, amzDate(now)],
    [HASH, declared ?? payloadHash(request.body)],
    ...(credential.sessionToken === undefined ? [] : [[TOKEN, credential.sessionToken] as [string, string]]),
  ];
  const authorization = authorize(request, credential, [...signedFields(sent), ...own]);
  const signature = /Signature=([0-9a-f]+)/.exec(authorization)?.[1] ?? authorization;
  return {
    headers: [...sent, ...own.flat(), 'authorization', authorization],
    secrets: [signature, ...(credential.sessionToken === undefined ? [] : [credential.sessionToken])],
  };
}

function authorize(
  { method, target, host }: RequestToSign,
  credential: AwsCredential,
  fields: readonly (readonly [string, string])[],
): string {
  const headers: Record<string, string> = { host };
  for (const [name, value] of fields) headers[name] = name in headers ? `${headers[name]},${value}` : value;
  const { region, service, accessKeyId, secretAccessKey } = credential;
  const signer = new aws4.RequestSigner(
    // Nothing is added by the library: everything that is signed stands here already.
    { method, path: target, host, service, region, headers, doNotModifyHeaders: true },
    { accessKeyId, secretAccessKey },
  ) as unknown as { datetime: string; sign(): { headers: Record<string, string> } };
  signer.datetime = headers[DATE] ?? '';
  try {
    return signer.sign().headers['Authorization'] ?? '';
  } catch (cause) {
    throw new GatewayError('invalid_request', { detail: 'the target cannot be signed', cause });
  }
}

function signedFields(headers: RawHeaders): [string, string][] {
  const fields: [string, string][] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = (headers[at] as string).toLowerCase();
    if (name !== 'host' && (SIGNED.has(name) || name.startsWith('x-amz-')))
      fields.push([name, headers[at + 1] as string]);
  }
  return fields;
}

function withoutReplaced(headers: RawHeaders): string[] {
  const kept: string[] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = (headers[at] as string).toLowerCase().replaceAll('_', '-');
    if (!REPLACED.has(name)) kept.push(headers[at] as string, headers[at + 1] as string);
  }
  return kept;
}

function payloadHash(body: RequestToSign['body']): string {
  if (body === 'stream') return UNSIGNED;
  return createHash('sha256')
    .update(body ?? '')
    .digest('hex');
}

/** ISO 8601 basic format in UTC. */
function amzDate(now: number): string {
  return new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, '');
}
