import type { Access } from '../access/access.js';
import type { BodyKind } from './media-type.js';

const KIB = 1024;
const OAUTH_LIMIT = 64 * KIB;
const RUNTIME_LIMIT = 256 * KIB;
const ADMIN_LIMIT = 1024 * KIB;

/** What the body of a route may be. Raw contexts have no rule: they read the stream themselves. */
export interface BodyRule {
  readonly kind: BodyKind;
  readonly limit: number;
}

/** The rule for a declared route: forms of OAuth clients, JSON for everyone else; administration may send the most. */
export function bodyRule(access: Access): BodyRule {
  switch (access.kind) {
    case 'oauth':
    case 'page':
      return { kind: 'form', limit: OAUTH_LIMIT };
    case 'admin':
    case 'control':
      return { kind: 'json', limit: ADMIN_LIMIT };
    case 'runtime':
    case 'public':
      return { kind: 'json', limit: RUNTIME_LIMIT };
  }
}
