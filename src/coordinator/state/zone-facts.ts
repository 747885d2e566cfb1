import type { ZoneView } from '../../control/index.js';
import type { Anchor, StatusFacts } from '../domain/sessions/live-status.js';
import type { Epochs, SessionRecord } from '../domain/sessions/session.js';

/** What ends sessions and tokens from outside the tree: zone, application, credential, subject. */
export interface AnchorFacts extends StatusFacts {
  readonly current: (application: string, subject: string, epochs: Epochs) => boolean;
  readonly applicationLive: (application: string) => boolean;
  readonly credentialLive: (application: string, credential: string) => boolean;
}

/** The facts of a zone at one instant; they answer from memory only. */
export function anchorFacts(view: ZoneView, subjectEpoch: (subject: string) => number, now: number): AnchorFacts {
  const applicationLive = (id: string): boolean => {
    const application = view.application(id);
    return application?.status === 'active' && (application.expiresAt === undefined || application.expiresAt > now);
  };
  const credentialLive = (application: string, id: string): boolean => {
    const credential = view.credential(id);
    return credential !== undefined && credential.application === application && credential.revokedAt === undefined;
  };
  const endedAnchor = (application: string, subject: string, epochs: Epochs): Anchor | undefined => {
    if (view.status !== 'active' || epochs.z < view.epoch) return 'zone';
    if (!applicationLive(application) || epochs.a < (view.application(application)?.epoch ?? Infinity))
      return 'application';
    return epochs.s < subjectEpoch(subject) ? 'subject' : undefined;
  };
  return {
    now,
    graceMs: view.settings.grace_seconds * 1000,
    endedBy: ({ application, credential, subject, epochs }: SessionRecord) =>
      endedAnchor(application, subject, epochs) ??
      (credential === undefined || credentialLive(application, credential) ? undefined : 'credential'),
    current: (application, subject, epochs) => endedAnchor(application, subject, epochs) === undefined,
    applicationLive,
    credentialLive,
  };
}
