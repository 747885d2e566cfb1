import type { PolicyAuthoring } from '../../policy/index.js';
import type { Applications } from '../applications.js';
import type { Webhooks } from '../delivery/webhooks.js';
import type { Grants } from '../grants.js';
import type { Providers } from '../providers.js';
import type { Resources } from '../resources.js';
import type { SubjectIssuers } from '../subject-issuers.js';
import type { Zones } from '../zones.js';
import type { Joined } from './joint-changes.js';

/** The use cases that a configuration is made with: those of the single routes. */
export interface ConfigParts {
  readonly zones: Zones;
  readonly applications: Applications;
  readonly providers: Providers;
  readonly issuers: SubjectIssuers;
  readonly resources: Resources;
  readonly grants: Grants;
  readonly policies: PolicyAuthoring;
  readonly webhooks: Webhooks;
}

/** The same use cases as parts of one transaction. */
export function joinedParts(parts: ConfigParts, { admin, runner }: Joined): ConfigParts {
  return {
    zones: parts.zones.within(admin),
    applications: parts.applications.within(admin),
    providers: parts.providers.within(admin),
    issuers: parts.issuers.within(admin),
    resources: parts.resources.within(admin),
    grants: parts.grants.within(admin),
    policies: parts.policies.within(runner),
    webhooks: parts.webhooks.within(admin),
  };
}
