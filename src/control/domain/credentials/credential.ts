import type { JsonObject } from '../../../kernel/json.js';
import { formatTime } from '../../../kernel/times.js';

export const CREDENTIAL_TYPES = ['client_secret', 'jwks', 'jwks_uri', 'spiffe', 'certificate'] as const;
export type CredentialType = (typeof CREDENTIAL_TYPES)[number];

/** Live credentials of one type that an application may have: the one in use and the one it is rotated to. */
export const MOST_LIVE_CREDENTIALS = 2;

/** The ways to name a client certificate's subject (RFC 8705 §2.1.2). */
export const CERTIFICATE_MEMBERS = [
  'tls_client_auth_subject_dn',
  'tls_client_auth_san_dns',
  'tls_client_auth_san_uri',
  'tls_client_auth_san_ip',
  'tls_client_auth_san_email',
] as const;

/** A credential as it is stored. */
export interface CredentialRow {
  readonly id: string;
  readonly application: string;
  readonly type: CredentialType;
  readonly secretMac: Buffer | null;
  readonly jwks: JsonObject | null;
  readonly details: JsonObject;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
}

/** True until the credential is revoked or has expired. */
export function isLiveCredential(row: Pick<CredentialRow, 'expiresAt' | 'revokedAt'>, now: number): boolean {
  return row.revokedAt === null && (row.expiresAt === null || row.expiresAt.getTime() > now);
}

/** A credential as administrators see it: never a secret nor its HMAC. */
export function credentialBody(row: CredentialRow): JsonObject {
  return {
    id: row.id,
    application: row.application,
    type: row.type,
    ...(row.jwks === null ? {} : { jwks: row.jwks }),
    ...row.details,
    created_at: formatTime(row.createdAt.getTime()),
    ...(row.expiresAt === null ? {} : { expires_at: formatTime(row.expiresAt.getTime()) }),
  };
}
