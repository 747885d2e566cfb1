import { Injectable } from '@nestjs/common';
import { AppError } from '../kernel/app-error.js';
import type { JsonObject } from '../kernel/json.js';
import type { TokenClaims, TokenClass } from './domain/token-claims.js';
import { TOKEN_PROFILES } from './domain/token-profile.js';
import { KeyRing } from './key-ring.js';

/** 64 bytes in base64url, for every algorithm there is. */
const SIGNATURE_CHARACTERS = 86;
const DOTS = 2;

/** The one place where tokens are signed. Whoever calls it has decided, recorded the decision and checked revocation since. */
@Injectable()
export class TokenSigner {
  constructor(private readonly ring: KeyRing) {}

  /** False for claims that {@link sign} would refuse for their size: asked before the ledger says that a token was issued. */
  async fits(zone: string, klass: TokenClass, claims: TokenClaims): Promise<boolean> {
    const { header } = await this.ring.signingKey(zone);
    const payload = Math.ceil((Buffer.byteLength(JSON.stringify(claims)) * 4) / 3);
    return header.length + payload + SIGNATURE_CHARACTERS + DOTS <= TOKEN_PROFILES[klass].maxBytes;
  }

  /** A signed statement that is no token: its type keeps every endpoint of ours from taking it for one (RFC 8725 §3.11). */
  async state(zone: string, typ: string, statement: JsonObject): Promise<string> {
    const key = await this.ring.signingKey(zone);
    const encode = (part: JsonObject): string => Buffer.from(JSON.stringify(part)).toString('base64url');
    const signingInput = `${encode({ alg: key.alg, typ, kid: key.kid })}.${encode(statement)}`;
    return `${signingInput}.${await key.sign(signingInput)}`;
  }

  /** A compact JWS under the zone's active key (RFC 9068 §2). A token that would exceed its class's size is not issued. */
  async sign(zone: string, klass: TokenClass, claims: TokenClaims): Promise<string> {
    const { maxBytes, maxSeconds } = TOKEN_PROFILES[klass];
    if (claims.zone !== zone || claims.exp - claims.iat > maxSeconds)
      throw new Error(`these claims are not those of a token of class ${klass}`);
    const key = await this.ring.signingKey(zone);
    const signingInput = `${key.header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
    const token = `${signingInput}.${await key.sign(signingInput)}`;
    if (token.length > maxBytes) {
      throw new AppError('invalid_request', 'The token would be larger than a token of its class may be.', {
        detail: `${token.length} bytes`,
      });
    }
    return token;
  }
}
