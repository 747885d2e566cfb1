const PRINTABLE_ASCII = /^[\x20-\x7e]{1,128}$/;

/** The caller's request id when it is 1–128 printable ASCII characters, else undefined: it is replaced, never repaired. */
export function acceptedRequestId(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' && PRINTABLE_ASCII.test(header) ? header : undefined;
}
