import { isJsonObject } from '../../../kernel/json.js';

/** A federated user, as the start of a session asks for one. */
export interface SubjectProof {
  readonly idToken: string;
  /** What the client sent with its authentication request (OIDC Core §3.1.2.1). */
  readonly nonce?: string | undefined;
}

const MEMBERS: readonly string[] = ['id_token', 'nonce'];
const MOST_NONCE = 255;

/** The proof in a request, undefined for any other value. Nothing of it is verified. */
export function parseSubjectProof(value: unknown): SubjectProof | undefined {
  if (!isJsonObject(value) || Object.keys(value).some((name) => !MEMBERS.includes(name))) return undefined;
  const { id_token: idToken, nonce } = value;
  if (typeof idToken !== 'string') return undefined;
  if (nonce === undefined) return { idToken };
  return typeof nonce === 'string' && nonce !== '' && nonce.length <= MOST_NONCE ? { idToken, nonce } : undefined;
}
