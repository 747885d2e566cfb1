import type { Provider } from '@nestjs/common';
import { AuditedChanges } from '../../audit/index.js';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { PolicyAuthoring } from '../../policy/index.js';
import { Applications } from '../applications.js';
import { Webhooks } from '../delivery/webhooks.js';
import { Grants } from '../grants.js';
import { Providers } from '../providers.js';
import { Resources } from '../resources.js';
import { SubjectIssuers } from '../subject-issuers.js';
import { Zones } from '../zones.js';
import { ConfigApply } from './config-apply.js';
import { ConfigExport } from './config-export.js';
import type { ConfigParts } from './config-parts.js';
import { JointChanges } from './joint-changes.js';

const CONFIG_PARTS = Symbol('CONFIG_PARTS');

type Services = [Zones, Applications, Providers, SubjectIssuers, Resources, Grants, PolicyAuthoring, Webhooks];

/** Reading and writing everything that administrators chose. */
export const CONFIG_PROVIDERS: Provider[] = [
  {
    provide: CONFIG_PARTS,
    inject: [Zones, Applications, Providers, SubjectIssuers, Resources, Grants, PolicyAuthoring, Webhooks],
    useFactory: (
      ...[zones, applications, providers, issuers, resources, grants, policies, webhooks]: Services
    ): ConfigParts => ({ zones, applications, providers, issuers, resources, grants, policies, webhooks }),
  },
  {
    provide: ConfigExport,
    inject: [CONFIG_PARTS],
    useFactory: (parts: ConfigParts) => new ConfigExport(parts),
  },
  {
    provide: JointChanges,
    inject: [AuditedChanges, CLOCK],
    useFactory: (changes: AuditedChanges, clock: Clock) => new JointChanges(changes, clock),
  },
  {
    provide: ConfigApply,
    inject: [CONFIG_PARTS, ConfigExport, JointChanges],
    useFactory: (parts: ConfigParts, current: ConfigExport, joint: JointChanges) =>
      new ConfigApply(parts, current, joint),
  },
];
