/** The media type of a signed introspection answer (RFC 9701 §4). */
export const SIGNED_INTROSPECTION = 'application/token-introspection+jwt';

/** True when a client that names both forms, or only the signed one, likes the signed one at least as much (RFC 9110 §12.5.1). Plain JSON is the default. */
export function wantsSigned(accept: string | undefined): boolean {
  const ranges = new Map((accept ?? '').split(',').map(rangeOf));
  const signed = ranges.get(SIGNED_INTROSPECTION) ?? 0;
  const plain = ranges.get('application/json') ?? 0;
  return signed > 0 && signed >= plain;
}

function rangeOf(text: string): [string, number] {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  const q = quality === undefined ? 1 : Number(quality);
  return [type, Number.isFinite(q) ? q : 0];
}
