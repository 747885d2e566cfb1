/**
 * The addresses the server is known by. The base is fixed once, before any route answers, from PUBLIC_URL or from the bound
 * port, and never derived from a request's `Host`.
 */
export class PublicUrls {
  private fixed: string | undefined;

  constructor(publicUrl?: string) {
    this.fixed = publicUrl;
  }

  /** Sets the base of a server without PUBLIC_URL, once it knows its port; a later call has no effect. */
  fix(base: string): void {
    this.fixed ??= base;
  }

  /** Without a trailing slash. Throws before the base is fixed. */
  base(): string {
    if (this.fixed === undefined) throw new Error('the public URL is not fixed yet');
    return this.fixed;
  }

  /** Host and port, as in log origins. */
  host(): string {
    return new URL(this.base()).host;
  }

  /** The zone's issuer identifier (RFC 8414 §2). */
  issuer(zone: string): string {
    return `${this.base()}/z/${zone}`;
  }

  tokenEndpoint(zone: string): string {
    return `${this.issuer(zone)}/oauth2/token`;
  }

  /** The gateway URL of a resource: what its mandates name as audience. */
  gateway(zone: string, slug: string): string {
    return `${this.base()}/g/${zone}/${slug}`;
  }

  /** RFC 9728 §3.1: the well-known path is inserted between host and resource path. */
  resourceMetadata(zone: string, slug: string): string {
    const base = new URL(this.base());
    const prefix = base.pathname === '/' ? '' : base.pathname;
    return `${base.origin}/.well-known/oauth-protected-resource${prefix}/g/${zone}/${slug}`;
  }

  /** The identifier of the control endpoint, audience of control tokens. */
  controlInvoke(): string {
    return `${this.base()}/control/v1/invoke`;
  }
}
