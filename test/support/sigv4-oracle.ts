import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';

/** A request as a server received it. */
export interface ReceivedRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface OracleCredential {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

class Sha256 {
  private readonly hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Buffer);
  }

  update(chunk: string | Uint8Array): void {
    this.hash.update(chunk);
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.hash.digest()));
  }

  reset(): void {
    throw new Error('made once, used once');
  }
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/;

/** Whether the AWS SDK's own signer would have made this signature over what arrived, header for header. */
export async function isSignedBy(request: ReceivedRequest, credential: OracleCredential): Promise<boolean> {
  const match = AUTHORIZATION.exec(String(request.headers['authorization']));
  if (!match) return false;
  const [, accessKeyId, , region = '', service = '', signedHeaders = ''] = match;
  if (accessKeyId !== credential.accessKeyId) return false;
  const place = { region, service };
  return (await signatureOf(request, { place, signedHeaders, credential })) === match[6];
}

async function signatureOf(
  request: ReceivedRequest,
  how: { place: { region: string; service: string }; signedHeaders: string; credential: OracleCredential },
): Promise<string | undefined> {
  const { place, signedHeaders, credential } = how;
  const ofObjects = place.service === 's3';
  const [rawPath = ''] = request.target.split('?');
  const signer = new SignatureV4({
    ...place,
    credentials: credential,
    sha256: Sha256,
    uriEscapePath: !ofObjects,
    applyChecksum: false,
  });
  const headers = Object.fromEntries(signedHeaders.split(';').map((name) => [name, String(request.headers[name])]));
  const date = (headers['x-amz-date'] ?? '').replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/, '$1-$2-$3T$4:$5:$6Z');
  const signed: unknown = await signer.sign(
    {
      method: request.method,
      protocol: 'http:',
      hostname: 'unused',
      path: ofObjects ? canonicalObjectPath(rawPath) : rawPath,
      query: queryOf(new URL(request.target, 'http://unused')),
      headers,
    } as never,
    { signingDate: new Date(date) },
  );
  return AUTHORIZATION.exec((signed as { headers: Record<string, string> }).headers['authorization'] ?? '')?.[6];
}

/** S3 takes each segment as the text it stands for, encoded once. */
function canonicalObjectPath(path: string): string {
  return path
    .split('/')
    .map((segment) => encodeURIComponent(decodeURIComponent(segment)).replace(/[!'()*]/g, hex))
    .join('/');
}

function hex(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

function queryOf(url: URL): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = {};
  for (const name of new Set(url.searchParams.keys())) {
    const values = url.searchParams.getAll(name);
    query[name] = values.length === 1 ? (values[0] ?? '') : values;
  }
  return query;
}
