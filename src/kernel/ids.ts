/** What the first part of an id says the object is. The rest of an id is opaque to clients. */
export const ID_PREFIXES = {
  application: 'app',
  resource: 'res',
  provider: 'prv',
  grant: 'gra',
  credential: 'crd',
  session: 'ses',
  delegation: 'del',
  invocation: 'inv',
  approval: 'apr',
  zone: 'zon',
  adminToken: 'adm',
  policy: 'pol',
  connection: 'con',
  subjectIssuer: 'sis',
  event: 'evt',
  request: 'req',
  revocation: 'rev',
  webhook: 'whk',
  job: 'job',
  export: 'exp',
  hold: 'hld',
} as const;

export type IdKind = keyof typeof ID_PREFIXES;
export type IdPrefix = (typeof ID_PREFIXES)[IdKind];

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** `<prefix>_<uuid>` in lower case; throws TypeError when the second part is no UUID (RFC 9562 §4). */
export function formatId(prefix: IdPrefix, uuid: string): string {
  const lower = uuid.toLowerCase();
  if (!UUID.test(lower)) throw new TypeError('an id is made from a UUID');
  return `${prefix}_${lower}`;
}

/** True when the text is an id of this kind, written as {@link formatId} writes it. It says nothing about existence. */
export function isId(prefix: IdPrefix, text: unknown): text is string {
  return typeof text === 'string' && text.startsWith(`${prefix}_`) && UUID.test(text.slice(prefix.length + 1));
}
