import { IsIn } from 'class-validator';
import type { JsonObject } from '../../../kernel/json.js';
import { CREDENTIAL_TYPES, type CredentialType } from '../../domain/credentials/credential.js';
import { IsMembers, IsText, IsTime, IsUrlText, Optional } from './rules.js';

/** A credential to be made; which members belong to which type is judged with the type. */
export class CreateCredentialDto {
  @IsIn(CREDENTIAL_TYPES, { message: `must be one of ${CREDENTIAL_TYPES.join(', ')}` })
  type!: CredentialType;

  @Optional()
  @IsMembers()
  jwks?: JsonObject;

  @Optional()
  @IsUrlText()
  jwks_uri?: string;

  @Optional()
  @IsUrlText()
  spiffe_id?: string;

  @Optional()
  @IsText(1_024)
  tls_client_auth_subject_dn?: string;

  @Optional()
  @IsText(255)
  tls_client_auth_san_dns?: string;

  @Optional()
  @IsUrlText()
  tls_client_auth_san_uri?: string;

  @Optional()
  @IsText(64)
  tls_client_auth_san_ip?: string;

  @Optional()
  @IsText(320)
  tls_client_auth_san_email?: string;

  @Optional()
  @IsTime()
  expires_at?: string;
}
