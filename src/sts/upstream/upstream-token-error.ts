/** There is no token for this call; nothing may be sent upstream without it. `detail` is a stable code for the log and holds nothing of the upstream's. */
export class UpstreamTokenError extends Error {
  override readonly name = 'UpstreamTokenError';

  constructor(
    readonly detail: string,
    options?: { readonly cause: unknown },
  ) {
    super(`no upstream token: ${detail}`, options);
  }
}
