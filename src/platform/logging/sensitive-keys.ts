/** What a name ends with when the value beside it is a credential, whatever the value looks like. Also the start of a regular expression. */
export const SENSITIVE_ENDINGS = [
  'token',
  'secret',
  'password',
  'passwd',
  'pwd',
  'passphrase',
  'assertion',
  'authorization',
  'cookie',
  'api[-_]?key',
  'private[-_]?key',
  'secret[-_]?key',
  'code[-_]?verifier',
  'kek',
  'pepper',
].join('|');

const SENSITIVE = new RegExp(`(?:${SENSITIVE_ENDINGS})[-_]*$`, 'i');

/** Whether the value under this name is hidden: `client_secret`, `sessionToken`, `Set-Cookie`, `x-api-key`. */
export function isSensitiveKey(name: string): boolean {
  return SENSITIVE.test(name);
}
