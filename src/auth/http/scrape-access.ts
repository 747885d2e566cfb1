import { timingSafeEqual, createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { AppConfig } from '../../platform/config/index.js';
import { presentedToken } from '../domain/bearer.js';
import { addressRanges } from '../domain/address-ranges.js';

const isLoopback = addressRanges(['127.0.0.0/8', '::1/128']);

/** Who may read metrics without an admin token: anyone while the server is bound to loopback, else the holder of the metrics token. */
export class ScrapeAccess {
  private readonly boundToLoopback: boolean;
  private readonly digest: Buffer | undefined;

  constructor(config: AppConfig) {
    this.boundToLoopback = config.http.host === 'localhost' || isLoopback(config.http.host);
    this.digest = config.metrics.token && digestOf(config.metrics.token.reveal());
  }

  isOpen(request: FastifyRequest): boolean {
    if (this.boundToLoopback) return true;
    const presented = presentedToken(request.raw.rawHeaders);
    return (
      this.digest !== undefined && presented.kind === 'token' && timingSafeEqual(digestOf(presented.token), this.digest)
    );
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
