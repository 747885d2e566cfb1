const APPLICATION_SUBJECT = 'app:';
const USER_SUBJECT = 'user:';

/** `sub` of an application: `app:<id>`. No user's `sub` can look like it (RFC 9068 §5). */
export function applicationSubject(application: string): string {
  return `${APPLICATION_SUBJECT}${application}`;
}

/** `sub` of a federated user: `user:<subject issuer id>:<sub>`. Issuer ids hold no colon, so the opaque rest stays unambiguous. */
export function userSubject(issuer: string, sub: string): string {
  return `${USER_SUBJECT}${issuer}:${sub}`;
}

/** The id of the subject issuer in a user's `sub`, or undefined for an application. */
export function subjectIssuer(subject: string): string | undefined {
  if (!subject.startsWith(USER_SUBJECT)) return undefined;
  const end = subject.indexOf(':', USER_SUBJECT.length);
  return end < 0 ? undefined : subject.slice(USER_SUBJECT.length, end);
}
