import { AppError } from '../../kernel/app-error.js';

/** Why a token is not accepted. For the log only: the caller learns no more than that it is not valid. */
export type TokenFault =
  | 'too_long'
  | 'malformed'
  | 'header'
  | 'unknown_key'
  | 'signature'
  | 'claims'
  | 'issuer'
  | 'zone'
  | 'audience'
  | 'class'
  | 'not_yet_valid'
  | 'expired'
  | 'lifetime';

/** A token that is not accepted; one public text for all faults (RFC 6750 §3.1, RFC 8693 §2.2.2). `message` names the fault for the log. */
export class TokenError extends AppError {
  constructor(readonly fault: TokenFault) {
    super('invalid_token', 'The token is not valid.', { detail: `token fault: ${fault}` });
    this.message = `token fault: ${fault}`;
  }
}
