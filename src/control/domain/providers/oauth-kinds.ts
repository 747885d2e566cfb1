import type { FieldFault } from '../../../kernel/app-error.js';
import type { JsonObject } from '../../../kernel/json.js';
import * as fields from './oauth-fields.js';

interface Member {
  readonly rule: fields.MemberRule;
  readonly optional?: boolean;
}
type Members = Readonly<Record<string, Member>>;

const need = (rule: fields.MemberRule): Member => ({ rule });
const may = (rule: fields.MemberRule): Member => ({ rule, optional: true });

/** Of every kind that asks a token endpoint. `issuer` is what client assertions are addressed to and what `iss` of an answer must be (RFC 9207). */
const CLIENT: Members = {
  token_endpoint: need(fields.endpointUrl),
  client_id: need(fields.plainText),
  auth_method: need(fields.authMethod),
  issuer: may(fields.endpointUrl),
  key_id: may(fields.plainText),
  algorithm: may(fields.algorithm),
  params: may(fields.extraParams),
};
const TARGETS: Members = {
  scope: may(fields.scopeText),
  audience: may(fields.audiences),
  resource: may(fields.resourceUris),
};
const CLIENT_SECRET: Members = { client_secret: may(fields.longSecret), private_key: may(fields.signingKey) };

/** Members of the kinds whose credential is obtained elsewhere or made per request. */
export const OBTAINED_KINDS = {
  oauth2_client_credentials: { config: { ...CLIENT, ...TARGETS }, secret: CLIENT_SECRET },
  oauth2_jwt_bearer: {
    config: {
      ...CLIENT,
      ...TARGETS,
      client_id: may(fields.plainText),
      auth_method: may(fields.authMethod),
      assertion_issuer: may(fields.plainText),
      assertion_subject: may(fields.plainText),
      assertion_audience: may(fields.plainText),
    },
    secret: { private_key: need(fields.signingKey), client_secret: may(fields.longSecret) },
  },
  oauth2_authorization_code: {
    config: {
      ...CLIENT,
      authorization_endpoint: need(fields.endpointUrl),
      revocation_endpoint: may(fields.endpointUrl),
      scope: may(fields.scopeText),
      resource: may(fields.resourceUris),
    },
    secret: CLIENT_SECRET,
  },
  oauth2_token_exchange: {
    config: {
      ...CLIENT,
      ...TARGETS,
      subject_token_type: may(fields.plainText),
      requested_token_type: may(fields.plainText),
      subject_token_audience: may(fields.plainText),
    },
    secret: CLIENT_SECRET,
  },
  aws_sigv4: {
    config: { region: need(fields.plainText), service: need(fields.plainText), access_key_id: may(fields.plainText) },
    secret: {
      access_key_id: may(fields.plainText),
      secret_access_key: need(fields.longSecret),
      session_token: may(fields.longSecret),
    },
  },
  mtls: {
    config: { certificate: need(fields.certificateChain), ca_certificate: may(fields.certificateChain) },
    secret: { private_key: need(fields.tlsKey) },
  },
} as const satisfies Readonly<Record<string, { config: Members; secret: Members }>>;

type ObtainedKind = keyof typeof OBTAINED_KINDS;

/** What is wrong with configuration and secret taken together, each of them sound by itself. */
export function pairFaults(kind: string, config: JsonObject, secret: JsonObject): readonly FieldFault[] {
  switch (kind as ObtainedKind) {
    case 'oauth2_client_credentials':
    case 'oauth2_authorization_code':
    case 'oauth2_token_exchange':
      return clientFaults(config, secret);
    case 'oauth2_jwt_bearer':
      return jwtBearerFaults(config, secret);
    case 'aws_sigv4':
      return awsFaults(config, secret);
    case 'mtls':
      return certificateFaults(config, secret);
    default:
      return [];
  }
}

function clientFaults(config: JsonObject, secret: JsonObject): FieldFault[] {
  const method = config['auth_method'] as fields.ClientAuthMethod;
  const needed = method === 'private_key_jwt' ? 'private_key' : method === 'none' ? undefined : 'client_secret';
  return ['client_secret', 'private_key'].flatMap((name) => {
    if (name === needed) return name in secret ? [] : [fault(`secret.${name}`, `is required by ${method}`)];
    return name in secret ? [fault(`secret.${name}`, `is not used by ${method}`)] : [];
  });
}

/** The assertion is the grant (RFC 7523 §2.1); client authentication is an addition that some servers want. */
function jwtBearerFaults(config: JsonObject, secret: JsonObject): FieldFault[] {
  const method = config['auth_method'];
  const faults: FieldFault[] = [];
  if (config['assertion_issuer'] === undefined && config['client_id'] === undefined)
    faults.push(fault('config.assertion_issuer', 'is required without client_id'));
  if (method !== undefined && config['client_id'] === undefined)
    faults.push(fault('config.client_id', 'is required with auth_method'));
  const wantsSecret = method === 'client_secret_basic' || method === 'client_secret_post';
  if (wantsSecret !== 'client_secret' in secret)
    faults.push(
      fault('secret.client_secret', wantsSecret ? 'is required by auth_method' : 'is not used by auth_method'),
    );
  return faults;
}

function awsFaults(config: JsonObject, secret: JsonObject): FieldFault[] {
  const places = [config['access_key_id'], secret['access_key_id']].filter((place) => place !== undefined);
  return places.length === 1
    ? []
    : [fault('config.access_key_id', 'is required in exactly one place, config or secret')];
}

function certificateFaults(config: JsonObject, secret: JsonObject): FieldFault[] {
  const [leaf] = fields.readCertificates(config['certificate'] as string);
  const key = fields.importPrivateKey(secret['private_key']);
  return leaf && key && leaf.checkPrivateKey(key)
    ? []
    : [fault('secret.private_key', 'must be the key of the first certificate')];
}

function fault(field: string, message: string): FieldFault {
  return { field, message };
}
