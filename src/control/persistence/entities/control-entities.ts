import { ApplicationEntity } from './application.entity.js';
import { ApprovalEntity } from './approval.entity.js';
import { CredentialEntity } from './credential.entity.js';
import { GrantEntity } from './grant.entity.js';
import { ProviderEntity } from './provider.entity.js';
import { ResourceEntity } from './resource.entity.js';
import { SubjectIssuerEntity } from './subject-issuer.entity.js';
import { WebhookCursorEntity, WebhookEntity } from '../../delivery/persistence/webhook.entity.js';
import { ZoneEntity } from './zone.entity.js';

/** The tables this module owns, for the database's connections. */
export const CONTROL_ENTITIES = [
  ZoneEntity,
  WebhookEntity,
  WebhookCursorEntity,
  ApplicationEntity,
  CredentialEntity,
  ProviderEntity,
  ResourceEntity,
  GrantEntity,
  SubjectIssuerEntity,
  ApprovalEntity,
] as const;
