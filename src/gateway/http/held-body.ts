import { GatewayError } from '../domain/gateway-error.js';
import { ClientGoneError } from '../upstream/request-body.js';
import { hasBody, type Incoming, openBody } from './incoming.js';

/** Which bodies are read before anything is sent: none, those small enough to be sent twice, or every one. */
export type BodyHold = 'none' | 'small' | 'whole';

const SMALL = 65_536;
/** A body that has to be known before it is sent is held in memory. */
const LARGEST_HELD = 8_388_608;

/** The caller's body when it is to be held; undefined when it streams or there is none. Throws `request_too_large`. */
export async function heldBody(incoming: Incoming, hold: BodyHold, maxBytes: number): Promise<Buffer | undefined> {
  const { request } = incoming;
  if (hold === 'none' || !hasBody(request)) return undefined;
  const length = request.headers['content-length'];
  if (hold === 'small' && (length === undefined || Number(length) > SMALL)) return undefined;
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of openBody(incoming, Math.min(maxBytes, LARGEST_HELD))) chunks.push(chunk as Buffer);
  } catch (error) {
    if (error instanceof ClientGoneError)
      throw new GatewayError('invalid_request', { detail: 'the body did not arrive', cause: error });
    throw error;
  }
  return Buffer.concat(chunks);
}
