import { LRUCache } from 'lru-cache';
import type { JsonObject } from '../../kernel/json.js';
import type { Envelope, SealContext } from '../../platform/secrets/index.js';
import { deepFreeze } from '../domain/deep-freeze.js';
import type { ProviderView } from './views.js';

const MOST_OPEN = 1_000;
const NOTHING: JsonObject = Object.freeze({});

interface Opened {
  readonly version: number;
  readonly secret: JsonObject;
}

/** Seals the secrets of providers and opens them again. Only what sends requests upstream opens one. */
export class ProviderSecrets {
  private readonly opened = new LRUCache<string, Opened>({ max: MOST_OPEN });

  constructor(private readonly envelope: Envelope) {}

  /**
   * The members of a provider's secret, empty for kinds without one; opened once per version. Throws SealError when it does not open. The
   * caller must not log, answer or keep what it gets.
   */
  open(zone: string, provider: Pick<ProviderView, 'id' | 'sealed' | 'secretVersion'>): JsonObject {
    const { id, sealed, secretVersion } = provider;
    if (sealed === undefined) return NOTHING;
    const key = `${zone}/${id}`;
    const known = this.opened.get(key);
    if (known?.version === secretVersion) return known.secret;
    const plaintext = this.envelope.open(sealed, contextOf(zone, id, secretVersion));
    const secret = deepFreeze(JSON.parse(plaintext.toString('utf8')) as JsonObject);
    this.opened.set(key, { version: secretVersion, secret });
    return secret;
  }

  /** A secret as it may be stored, for this provider and this version alone. */
  seal(zone: string, id: string, version: number, secret: JsonObject): Buffer {
    return this.envelope.seal(Buffer.from(JSON.stringify(secret), 'utf8'), contextOf(zone, id, version));
  }
}

function contextOf(zone: string, id: string, version: number): SealContext {
  return { purpose: 'provider secret', zone, table: 'providers', row: id, column: 'secret_sealed', version };
}
