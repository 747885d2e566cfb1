import type { ApproverClass } from '../../../policy/index.js';

const OPERATOR_SECONDS = 4 * 3_600;
const SUBJECT_SECONDS = 15 * 60;
/** A request that reaches a person out of band lives no longer (OWASP ASVS 6.5.5). */
const OUT_OF_BAND_SECONDS = 600;

export interface HoldLife {
  readonly approverClass: ApproverClass;
  /** The zone's setting. */
  readonly setting?: number | undefined;
  /** Asked for by the client of an out-of-band request; such a request is short-lived in any case. */
  readonly outOfBand?: { readonly requested?: number | undefined } | undefined;
}

/** How many seconds a hold waits for its decision. */
export function holdSeconds({ approverClass, setting, outOfBand }: HoldLife): number {
  const usual = setting ?? (approverClass === 'operator' ? OPERATOR_SECONDS : SUBJECT_SECONDS);
  return outOfBand ? Math.min(usual, OUT_OF_BAND_SECONDS, outOfBand.requested ?? OUT_OF_BAND_SECONDS) : usual;
}
