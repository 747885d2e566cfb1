import { createHash } from 'node:crypto';
import { Controller, Get, Header, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { AppError } from '../../kernel/app-error.js';
import type { JsonObject } from '../../kernel/json.js';
import { Public } from '../../platform/http/index.js';
import { PublicUrls } from '../../platform/urls/index.js';
import { KeyRing, type Publication, ProofsOfPossession } from '../../auth/index.js';
import { Catalogue } from '../../control/index.js';
import { CallerAuthentication } from '../caller-authentication.js';
import { serverMetadata } from '../domain/metadata.js';
import { TokenEndpoint } from '../token-endpoint.js';

const CACHEABLE = 'public, max-age=300';

/** What a zone's authorization server says about itself: metadata (RFC 8414) and keys (RFC 7517). */
@Controller()
export class MetadataController {
  constructor(
    private readonly callers: CallerAuthentication,
    private readonly catalogue: Catalogue,
    private readonly endpoint: TokenEndpoint,
    private readonly keys: KeyRing,
    private readonly proofs: ProofsOfPossession,
    private readonly urls: PublicUrls,
  ) {}

  /** RFC 8414 §3.1 inserts the well-known part before the issuer's path; clients in the wild also probe the others. */
  @Public()
  @Header('Cache-Control', CACHEABLE)
  @Get([
    '.well-known/oauth-authorization-server/z/:zone',
    '.well-known/openid-configuration/z/:zone',
    'z/:zone/.well-known/oauth-authorization-server',
    'z/:zone/.well-known/openid-configuration',
  ])
  async metadata(@Param('zone') zone: string): Promise<JsonObject> {
    const view = await this.callers.zone(zone);
    const types = view.resources().flatMap((resource) => [...resource.detailTypes.keys()]);
    return serverMetadata({
      issuer: this.urls.issuer(view.slug),
      grantTypes: this.endpoint.grantTypes,
      proofAlgorithms: this.proofs.algorithms,
      signingAlgorithm: view.settings.signing_alg,
      detailTypes: [...new Set(types)].sort(),
    });
  }

  /** There is no interactive authorization, and no redirect, since no client has registered one (RFC 6749 §4.1.2.1). */
  @Public()
  @Header('Cache-Control', 'no-store')
  @Get('z/:zone/oauth2/authorize')
  async authorize(@Param('zone') zone: string): Promise<never> {
    await this.callers.zone(zone);
    throw new AppError('invalid_request', 'There is no interactive authorization here.');
  }

  /** The keys of an archived zone stay: tokens it issued may not have expired yet. */
  @Public()
  @Get('z/:zone/jwks.json')
  async jwks(@Param('zone') slug: string, @Res() reply: FastifyReply): Promise<void> {
    const { keys, seconds } = await this.publication(slug);
    const body = JSON.stringify(keys);
    const tag = `"${createHash('sha256').update(body).digest('base64url')}"`;
    void reply.header('cache-control', `public, max-age=${seconds}`).header('etag', tag);
    await reply.type('application/json; charset=utf-8').send(body);
  }

  /** From memory when the database does not answer: verifiers go on as long as they would with what they hold already. */
  private async publication(slug: string): Promise<Publication> {
    const remembered = this.catalogue.peek(slug) && this.keys.remembered(slug);
    if (remembered && !slug.startsWith('_')) return remembered;
    const zone = await this.catalogue.zone(slug);
    if (!zone || slug.startsWith('_')) throw new AppError('not_found', 'There is no such zone.');
    return this.keys.publication(zone.slug);
  }
}
