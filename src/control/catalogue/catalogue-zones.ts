import type { ZoneDirectory } from '../../auth/index.js';
import type { Catalogue } from './catalogue.js';
import type { ZoneStatus } from './views.js';

/** Tells the guards which zones there are, from the catalogue. */
export class CatalogueZones implements ZoneDirectory {
  constructor(private readonly catalogue: Catalogue) {}

  async status(zone: string): Promise<ZoneStatus | undefined> {
    return (await this.catalogue.zone(zone))?.status;
  }

  async dpopNonce(zone: string): Promise<'off' | 'required'> {
    return (await this.catalogue.zone(zone))?.settings.dpop_nonce ?? 'off';
  }
}
