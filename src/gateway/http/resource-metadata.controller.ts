import { Controller, Get, Header, Param } from '@nestjs/common';
import { ProofsOfPossession } from '../../auth/index.js';
import { Catalogue } from '../../control/index.js';
import { AppError } from '../../kernel/app-error.js';
import type { JsonObject } from '../../kernel/json.js';
import { Public } from '../../platform/http/index.js';
import { PublicUrls } from '../../platform/urls/index.js';
import { isServed } from '../bindings.js';
import { protectedResourceMetadata } from '../domain/protected-resource.js';

/** What a gateway URL says about how to get a token for it (RFC 9728 §3.1). */
@Controller()
export class ResourceMetadataController {
  constructor(
    private readonly catalogue: Catalogue,
    private readonly urls: PublicUrls,
    private readonly proofs: ProofsOfPossession,
  ) {}

  @Public()
  @Header('Cache-Control', 'public, max-age=300')
  @Get('.well-known/oauth-protected-resource/g/:zone/:slug')
  async read(@Param('zone') slug: string, @Param('slug') resourceSlug: string): Promise<JsonObject> {
    const zone = await this.catalogue.zone(slug);
    const resource = zone && zone.status !== 'archived' ? zone.resourceBySlug(resourceSlug) : undefined;
    if (!zone || !resource || !isServed(resource)) throw new AppError('not_found', 'There is no such resource.');
    return protectedResourceMetadata({
      gatewayUrl: resource.gatewayUrl,
      issuer: this.urls.issuer(zone.slug),
      jwksUri: `${this.urls.issuer(zone.slug)}/jwks.json`,
      name: resource.name,
      proofAlgorithms: this.proofs.algorithms,
      detailTypes: [...resource.detailTypes.keys()].sort(),
      scopes: [...resource.scopes].sort(),
    });
  }
}
