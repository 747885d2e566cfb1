import type { JsonObject } from '../../../kernel/json.js';
import { originOf } from '../resources/origin.js';

/** Members of a configuration that secrets or tokens are sent to. */
const SECRET_ENDPOINTS = ['token_endpoint', 'revocation_endpoint'] as const;

/** The places that a provider of an OAuth kind sends its secret or its tokens to; each must be one that requests may go to. */
export function secretEndpoints(config: JsonObject): readonly { readonly field: string; readonly url: string }[] {
  return SECRET_ENDPOINTS.flatMap((field) => {
    const url = config[field];
    return typeof url === 'string' ? [{ field, url }] : [];
  });
}

/**
 * True when a new configuration would send what is kept under the old one to another place. Whoever may change a provider but does not know its
 * secret could otherwise have it sent to a place of their own (T5, T12).
 */
export function sendsElsewhere(before: JsonObject, after: JsonObject): boolean {
  const origins = new Set(secretEndpoints(before).map(({ url }) => originOf(url)));
  return secretEndpoints(after).some(({ url }) => !origins.has(originOf(url)));
}
