import { createHash } from 'node:crypto';
import { canonicalizePresent } from '../../../kernel/canonical-json.js';
import type { HeldWork } from './approval.js';

const BINDING_VERSION = 1;

/**
 * The exact thing that people decide about, as one text: SHA-256 (hex) over the canonical JSON (RFC 8785) of zone, application, session,
 * delegation, subject, resources, scopes, authorization details, operation and policy version. The order of resources and scopes carries no
 * meaning; absent members are left out. The caller must not assume that two requests with different bindings differ in what they may do.
 */
export function bindingOf(work: HeldWork): string {
  const text = canonicalizePresent({
    v: BINDING_VERSION,
    zone: work.zone,
    application: work.application,
    session: work.session,
    delegation: work.delegation,
    subject: work.subject,
    resources: work.resources.map((resource) => resource.id).sort(),
    scopes: [...new Set(work.scopes)].sort(),
    authorization_details: work.authorizationDetails,
    operation: work.operation,
    policy_version: work.policyVersion,
  });
  return createHash('sha256').update(text, 'utf8').digest('hex');
}
