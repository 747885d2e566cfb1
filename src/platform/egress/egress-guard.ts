import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { type SecureContext, createSecureContext, rootCertificates } from 'node:tls';
import { Pool, type buildConnector } from 'undici';
import { AppError } from '../../kernel/app-error.js';
import { type EgressGrants, type PortRange, checkGrants, isCovered, usableGrants } from './grants.js';
import { type AddressRules, judgeAddress } from './judge-address.js';
import { type OwnEndpoint, OwnEndpoints } from './own-endpoints.js';
import type { Resolver } from './resolver.js';
import { type EgressTarget, parseTarget } from './target-url.js';
import { letPausedParsersFinish } from './upstream/paused-parser.js';
import { PeerClient } from './upstream/peer-client.js';
import { dialVetted } from './vetted-dial.js';

export interface EgressOptions {
  /** `EGRESS_ALLOW_LOOPBACK`: development only. */
  readonly allowLoopback: boolean;
  /** `EGRESS_GRANTABLE`: what grants may open at all. */
  readonly grantable: readonly PortRange[];
  readonly production: boolean;
  /** PEM certificates trusted beside the system's. */
  readonly trustedCa?: readonly string[];
}

/** What one client may reach beyond public https. */
export interface EgressTerms {
  readonly grants?: EgressGrants | undefined;
  /** A credential travels with the requests; in production it never goes over plain http. */
  readonly injectsCredential?: boolean;
  /** Who the client is by certificate. Asked when a connection is opened; what it throws, opening it throws. */
  readonly identity?: (() => TlsIdentity) | undefined;
}

/** A client certificate with its key, and what the server's certificate may be issued by beside the usual authorities; all PEM. */
export interface TlsIdentity {
  readonly certificate: string;
  readonly privateKey: string;
  readonly ca?: string | undefined;
}

export interface PoolTerms extends EgressTerms {
  readonly connectTimeoutMs: number;
  readonly connections: number;
  /** How long an idle connection is kept when the upstream names no time itself. */
  readonly keepAliveMs?: number;
  /** A connection to this very origin, dialled by {@link EgressGuard.connect} on the same terms, to be used before another is opened. */
  readonly spare?: () => Socket | undefined;
}

interface DialTerms {
  readonly timeoutMs: number;
  readonly context: () => SecureContext | undefined;
  readonly protocols?: readonly string[] | undefined;
}

/** Opens one connection. `protocols` are offered over TLS (RFC 7301), the preferred one first; `http/1.1` alone unless said otherwise. */
export type Dialer = (protocols?: readonly string[]) => Promise<Socket>;

/** The only way out of this process: every outbound connection is opened through it. */
export class EgressGuard {
  private readonly own: OwnEndpoints;
  private readonly secureContext: SecureContext | undefined;

  constructor(
    private readonly options: EgressOptions,
    private readonly resolver: Resolver,
    interfaces?: () => readonly string[],
  ) {
    this.own = new OwnEndpoints(resolver, interfaces);
    const { trustedCa } = options;
    this.secureContext = trustedCa ? createSecureContext({ ca: [...rootCertificates, ...trustedCa] }) : undefined;
  }

  /** From now on no grant and no flag opens this endpoint. Call it for each listener, for the database and for Redis. */
  protect(endpoint: OwnEndpoint): void {
    this.own.protect(endpoint);
  }

  /**
   * Refuses, when an object is registered, a URL that could not be reached later, and grants beyond the operator's list: AppError
   * `egress_denied` or `invalid_request`. A name that does not resolve now is let through; the caller must not take this for a verdict on a
   * connection, since each one is judged anew.
   */
  async checkRegistration(url: string, terms: EgressTerms = {}): Promise<void> {
    checkGrants(terms.grants, this.options.grantable);
    const target = targetOf(url);
    const addresses = target.isLiteral ? [target.host] : await this.resolver.resolve(target.host).catch(() => []);
    await this.judge(target, addresses, terms);
  }

  /** What the text of a URL says about where it leads; throws AppError `egress_denied` when it has more than one reading. */
  parse(url: string): EgressTarget {
    return targetOf(url);
  }

  /** The addresses of the URL's host, each of them judged. Throws AppError `egress_denied` when one of them is refused. */
  async vet(target: EgressTarget, terms: EgressTerms = {}): Promise<readonly string[]> {
    const addresses = target.isLiteral ? [target.host] : await this.resolve(target.host);
    await this.judge(target, addresses, terms);
    return addresses;
  }

  /** A connection pool for one origin, every socket of which was dialled to a vetted address. It follows no redirect and reads no proxy environment. */
  poolFor(url: string, terms: PoolTerms): Pool {
    const target = targetOf(url);
    const dial = this.connector(terms, terms.connectTimeoutMs);
    const connect: buildConnector.connector = (options, callback) => {
      const spare = terms.spare?.();
      if (spare === undefined) dial(options, callback);
      else queueMicrotask(() => callback(null, spare));
    };
    return new Pool(originOf(target), {
      connect,
      factory: (origin, options) => new PeerClient(origin, options, connect),
      connections: terms.connections,
      pipelining: 1,
      keepAliveTimeout: terms.keepAliveMs ?? 4_000,
    });
  }

  /** Opens connections of the caller's own, one at a time, each dialled to a vetted address. The origin of the URL decides, never a `Host` header. */
  dialerFor(url: string, terms: PoolTerms): Dialer {
    const context = this.contexts(terms);
    return (protocols) => this.dial(url, terms, { timeoutMs: terms.connectTimeoutMs, context, protocols });
  }

  /** For undici's `connect` option: vets, then dials. The host of the origin decides, never a `Host` header. */
  connector(terms: EgressTerms, timeoutMs: number): buildConnector.connector {
    const context = this.contexts(terms);
    return (options, callback) => {
      const url = `${options.protocol}//${options.host ?? options.hostname}`;
      this.dial(url, terms, { timeoutMs, context }).then(
        (socket) => {
          callback(null, socket);
          letPausedParsersFinish(socket);
        },
        (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), null),
      );
    };
  }

  /** One context per connector, made when it is first needed. */
  private contexts({ identity }: EgressTerms): () => SecureContext | undefined {
    if (!identity) return () => this.secureContext;
    let made: SecureContext | undefined;
    return () => (made ??= this.identified(identity()));
  }

  private identified({ certificate, privateKey, ca }: TlsIdentity): SecureContext {
    const more = [...(this.options.trustedCa ?? []), ...(ca === undefined ? [] : [normalPem(ca)])];
    return createSecureContext({
      cert: normalPem(certificate),
      key: createPrivateKey(privateKey).export({ type: 'pkcs8', format: 'pem' }),
      ...(more.length === 0 ? {} : { ca: [...rootCertificates, ...more] }),
    });
  }

  private async dial(url: string, terms: EgressTerms, { timeoutMs, context, protocols }: DialTerms): Promise<Socket> {
    const target = targetOf(url);
    if (terms.identity && target.scheme !== 'https') throw denied('a client certificate needs https');
    const started = performance.now();
    const addresses = await withDeadline(this.vet(target, terms), timeoutMs);
    const remaining = Math.max(1, timeoutMs - (performance.now() - started));
    return dialVetted(target, addresses, { timeoutMs: remaining, protocols, secureContext: context() });
  }

  private async judge(target: EgressTarget, addresses: readonly string[], terms: EgressTerms): Promise<void> {
    const isOwn = await this.own.at(target.port).catch((cause: unknown) => {
      throw denied('own_endpoint_unknown', cause);
    });
    const grants = usableGrants(terms.grants, this.options.grantable);
    const rules: AddressRules = {
      allowLoopback: this.options.allowLoopback,
      isGranted: (address, port) => isCovered(grants, address, port),
      isOwn: (address) => isOwn(address),
    };
    let onlyLoopback = addresses.length > 0;
    for (const address of addresses) {
      const verdict = judgeAddress(address, target.port, rules);
      if (!verdict.allowed) throw denied(`${verdict.reason} ${address}:${target.port}`);
      onlyLoopback &&= verdict.loopback;
    }
    if (target.scheme === 'http' && !onlyLoopback) this.checkPlainHttp(terms);
  }

  private checkPlainHttp(terms: EgressTerms): void {
    if (terms.grants?.insecure_http !== true) throw denied('insecure_http');
    if (this.options.production && terms.injectsCredential === true) throw denied('credential over insecure_http');
  }

  private async resolve(host: string): Promise<readonly string[]> {
    const addresses = await this.resolver.resolve(host);
    if (addresses.length === 0) throw new Error(`no address for ${host}`);
    return addresses;
  }
}

function targetOf(url: string): EgressTarget {
  const verdict = parseTarget(url);
  if ('refused' in verdict) throw denied(verdict.refused);
  return verdict.target;
}

function originOf(target: EgressTarget): string {
  const host = target.host.includes(':') ? `[${target.host}]` : target.host;
  return `${target.scheme}://${host}:${target.port}`;
}

/** The certificates as TLS reads them: it takes no stray lines, which other readers of PEM do. */
function normalPem(text: string): string {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block).toString()).join('');
}

function denied(detail: string, cause?: unknown): AppError {
  return new AppError('egress_denied', 'this URL leads to a place that may not be reached from here', {
    detail,
    cause,
  });
}

function withDeadline<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the name was not resolved in time')), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
