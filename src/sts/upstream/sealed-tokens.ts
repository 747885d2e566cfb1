import { Injectable } from '@nestjs/common';
import { Envelope, type SealContext } from '../../platform/secrets/index.js';
import type { TokenKey } from '../persistence/upstream-tokens.js';

/** Seals upstreams' tokens, each for its own row, column and version. */
@Injectable()
export class SealedTokens {
  constructor(private readonly envelope: Envelope) {}

  sealAccess(zone: string, key: TokenKey, generation: number, token: string): Buffer {
    return this.envelope.seal(Buffer.from(token), accessContext(zone, key, generation));
  }

  openAccess(zone: string, key: TokenKey, generation: number, sealed: Buffer): string {
    return this.envelope.open(sealed, accessContext(zone, key, generation)).toString();
  }

  sealRefresh(zone: string, connection: string, version: number, token: string): Buffer {
    return this.envelope.seal(Buffer.from(token), connectionContext(zone, connection, ['refresh_sealed', version]));
  }

  openRefresh(zone: string, connection: string, version: number, sealed: Buffer): string {
    return this.envelope.open(sealed, connectionContext(zone, connection, ['refresh_sealed', version])).toString();
  }

  sealVerifier(zone: string, connection: string, verifier: string): Buffer {
    return this.envelope.seal(Buffer.from(verifier), connectionContext(zone, connection, ['verifier_sealed', 1]));
  }

  openVerifier(zone: string, connection: string, sealed: Buffer): string {
    return this.envelope.open(sealed, connectionContext(zone, connection, ['verifier_sealed', 1])).toString();
  }
}

function accessContext(zone: string, { provider, subject, scopes }: TokenKey, generation: number): SealContext {
  const row = JSON.stringify([provider, subject, scopes]);
  return {
    purpose: 'upstream token',
    zone,
    table: 'upstream_tokens',
    row,
    column: 'access_sealed',
    version: generation,
  };
}

function connectionContext(
  zone: string,
  row: string,
  [column, version]: readonly ['refresh_sealed' | 'verifier_sealed', number],
): SealContext {
  return { purpose: 'connection', zone, table: 'connections', row, column, version };
}
