import { foldName, isHopByHop, isNeverSent, nominatedNames } from './header-names.js';

/** Names and values in turn, as they were received. */
export type RawHeaders = readonly string[];

/** What the gateway adds to every request. */
export interface OwnFields {
  readonly requestId: string;
  readonly traceparent: string;
  /** Of the caller, when its `traceparent` was accepted. */
  readonly tracestate?: string | undefined;
  readonly credential?: { readonly name: string; readonly value: string } | undefined;
}

const VIA = '1.1 caracal';

/**
 * The header fields towards the upstream: the caller's own in their order and spelling, without those of the connection (RFC 9110 §7.6.1), its
 * authority, cookies, forwarding and override fields and whatever folds to one of them; then the gateway's. `Host`, `Content-Length` and the
 * framing are the client's business. The caller must not assume that a field which the credential occupies survives.
 */
export function upstreamHeaders(received: RawHeaders, own: OwnFields): string[] {
  const nominated = nominatedNames(valuesOf(received, 'connection'));
  const credentialName = own.credential === undefined ? undefined : foldName(own.credential.name);
  const sent: string[] = [];
  for (let at = 0; at + 1 < received.length; at += 2) {
    const name = received[at] as string;
    const folded = foldName(name);
    if (isHopByHop(folded) || isNeverSent(folded) || nominated.has(folded) || folded === credentialName) continue;
    sent.push(name, received[at + 1] as string);
  }
  if (acceptsTrailers(received)) sent.push('te', 'trailers');
  sent.push('via', VIA, 'x-request-id', own.requestId, 'traceparent', own.traceparent);
  if (own.tracestate !== undefined) sent.push('tracestate', own.tracestate);
  if (own.credential !== undefined) sent.push(own.credential.name, own.credential.value);
  return sent;
}

/** All values of one field, in their order. `name` is in lower case. */
export function valuesOf(headers: RawHeaders, name: string): readonly string[] {
  const values: string[] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    if ((headers[at] as string).toLowerCase() === name) values.push(headers[at + 1] as string);
  }
  return values;
}

/** `TE` is of one hop, but its one useful member is a promise that we keep as well (RFC 9110 §10.1.4). */
function acceptsTrailers(received: RawHeaders): boolean {
  return valuesOf(received, 'te').some((value) =>
    value.split(',').some((token) => token.trim().toLowerCase() === 'trailers'),
  );
}
