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
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/**
 * The header fields towards the upstream: the caller's own in their order and spelling, without those of the connection (RFC 9110 §7.6.1), its
 * authority, cookies, forwarding and override fields and whatever folds to one of them; then the gateway's. `Host`, `Content-Length` and the
 * framing are the client's business. The caller must not assume that a field which the credential occupies survives.
 */
export function upstreamHeaders(received: RawHeaders, own: OwnFields): string[] {
  const sent = permitted(received, received, own.credential?.name);
  if (acceptsTrailers(received)) sent.push('te', 'trailers');
  sent.push('via', VIA, 'x-request-id', own.requestId, 'traceparent', own.traceparent);
  if (own.tracestate !== undefined) sent.push('tracestate', own.tracestate);
  if (own.credential !== undefined) sent.push(own.credential.name, own.credential.value);
  return sent;
}

/**
 * The trailer fields towards the upstream: under the rules of the header fields, since a server may merge the two (RFC 9110 §6.5.1). `announced`
 * is the request's header section, whose `Connection` may name fields here as well.
 */
export function upstreamTrailers(received: RawHeaders, announced: RawHeaders, credentialName?: string): string[] {
  return permitted(received, announced, credentialName);
}

/** What the request's `Trailer` announces and may come (RFC 9110 §6.6.2). */
export function announcedNames(announced: RawHeaders, credentialName?: string): readonly string[] {
  const names = valuesOf(announced, 'trailer').flatMap((value) => value.split(',').map((name) => name.trim()));
  const fields = names.filter((name) => TOKEN.test(name)).flatMap((name) => [name, '']);
  return upstreamTrailers(fields, announced, credentialName).filter((_, at) => at % 2 === 0);
}

function permitted(received: RawHeaders, announced: RawHeaders, credentialName: string | undefined): string[] {
  const nominated = nominatedNames(valuesOf(announced, 'connection'));
  const reserved = credentialName === undefined ? undefined : foldName(credentialName);
  const sent: string[] = [];
  for (let at = 0; at + 1 < received.length; at += 2) {
    const folded = foldName(received[at] as string);
    if (isHopByHop(folded) || isNeverSent(folded) || nominated.has(folded) || folded === reserved) continue;
    sent.push(received[at] as string, received[at + 1] as string);
  }
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
