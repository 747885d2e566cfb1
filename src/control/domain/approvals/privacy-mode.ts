/** How much of a hold people are shown: everything that the server knows of it, or only what a decision cannot do without. */
export const APPROVAL_PRIVACIES = ['full', 'minimal'] as const;
export type ApprovalPrivacy = (typeof APPROVAL_PRIVACIES)[number];

/** The stricter one holds. */
export function strictestPrivacy(modes: readonly (ApprovalPrivacy | undefined)[]): ApprovalPrivacy {
  return modes.includes('minimal') ? 'minimal' : 'full';
}
