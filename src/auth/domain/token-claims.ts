import type { JsonObject } from '../../kernel/json.js';

/** What a token may be used for. Audiences are disjoint, so that no class can stand in for another. */
export const TOKEN_CLASSES = ['application', 'session', 'mandate', 'upstream', 'control'] as const;
export type TokenClass = (typeof TOKEN_CLASSES)[number];

/** The epochs of zone, application and subject that a token was minted under; a lower one than today's is revoked. */
export interface TokenEpochs {
  readonly z: number;
  readonly a: number;
  readonly s: number;
}

/** The claims of every token that the server signs (RFC 9068 §2.2, RFC 8693 §4). Times are whole seconds since the epoch. */
export interface TokenClaims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: string | readonly string[];
  readonly iat: number;
  readonly nbf: number;
  readonly exp: number;
  readonly jti: string;
  readonly client_id: string;
  readonly scope?: string;
  readonly zone: string;
  /** The session that acts. */
  readonly sid?: string;
  /** Who acts for the subject, nested from the current actor to the first (RFC 8693 §4.1). */
  readonly act?: JsonObject;
  /** The delegation the authority came through, and how many edges it came. */
  readonly dlg?: string;
  readonly dep?: number;
  readonly sub_type: 'application' | 'user';
  /** The tokens it was obtained with, and theirs. */
  readonly ptk?: readonly string[];
  /** The credential that was proved. */
  readonly crd?: string;
  readonly ep: TokenEpochs;
  /** The key the bearer must prove (RFC 7800 §3.1). */
  readonly cnf?: JsonObject;
  readonly authorization_details?: readonly JsonObject[];
  readonly txn: string;
  /** The approval that was consumed for it. */
  readonly apr?: string;
}
