import type { FastifyReply, FastifyRequest } from 'fastify';

/** Only a secure connection can have a cookie that no other host may set (RFC 6265bis §4.1.3.2); loopback has a plain one. */
function nameFor({ protocol }: FastifyRequest): string {
  return protocol === 'https' ? '__Host-caracal-operator' : 'caracal-operator';
}

export function readCookie(request: FastifyRequest): string | undefined {
  const name = nameFor(request);
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** An empty value takes the cookie away. */
export function writeCookie(request: FastifyRequest, reply: FastifyReply, value: string, seconds: number): void {
  const secure = request.protocol === 'https' ? '; Secure' : '';
  void reply.header(
    'set-cookie',
    `${nameFor(request)}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${value === '' ? 0 : seconds}${secure}`,
  );
}

/** False for a form that another site sent: browsers say where it comes from (Fetch Metadata §2.3, RFC 6454 §7). */
export function isOwnForm({ headers, protocol, host }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') return false;
  return headers.origin === undefined || headers.origin === `${protocol}://${host}`;
}
