import { hkdfSync } from 'node:crypto';
import type { DatabaseLogin } from './endpoint.js';

/** The role that owns every object; nobody logs in as it. */
export const OWNER_ROLE = 'caracal_owner';

/** The login roles of the process, each with its own pool and least privilege (ADR 6). */
export const LOGIN_ROLES = [
  'caracal_app',
  'caracal_audit',
  'caracal_auditor',
  'caracal_janitor',
  'caracal_queue',
  'caracal_system',
] as const;

export type LoginRole = (typeof LOGIN_ROLES)[number];

/** The login of a role: its password is derived from `database_password`, so replicas that share the secret agree. */
export function roleLogin(role: LoginRole, databasePassword: string): DatabaseLogin {
  const password = hkdfSync('sha256', databasePassword, 'caracal', `database-role:${role}`, 32);
  return { user: role, password: Buffer.from(password).toString('base64url') };
}
