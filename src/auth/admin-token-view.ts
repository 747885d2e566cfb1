import { timingSafeEqual } from 'node:crypto';
import { AppError } from '../kernel/app-error.js';
import type { Clock } from '../kernel/clock.js';
import { checkSecretFormat, SECRET_PREFIXES } from '../kernel/client-secret.js';
import type { ChangeFeed } from '../platform/changes/index.js';
import type { Database } from '../platform/database/index.js';
import { CAPABILITIES } from '../platform/http/index.js';
import type { AdminTokenUse } from './persistence/admin-token-use.js';
import type { AdminTokenEntity } from './persistence/admin-token.entity.js';
import { readLiveTokens } from './persistence/admin-token-rows.js';
import { SYSTEM_ZONE } from './ports.js';
import type { AdminPrincipal } from './principals.js';

export interface AdminTokenViewParts {
  readonly database: Database;
  readonly feed: ChangeFeed;
  readonly clock: Clock;
  readonly mac: (secret: string) => Buffer;
  /** The token of the secret file. */
  readonly bootstrapToken: string;
  /** Whether the token of the secret file may be used from an address. */
  readonly maySendBootstrap: (address: string) => boolean;
  readonly use: AdminTokenUse;
  /** The bootstrap token was used although named tokens exist. */
  readonly onBreakGlass: (address: string) => void;
}

interface LiveToken {
  readonly secretMac: Buffer;
  readonly expiresAt: number;
  readonly principal: AdminPrincipal;
}

const BOOTSTRAP: AdminPrincipal = {
  kind: 'admin',
  id: 'bootstrap',
  name: 'bootstrap',
  person: 'bootstrap',
  capabilities: new Set(CAPABILITIES),
  bootstrap: true,
};

/** Every admin token that may be used, in memory, kept by the change feed: a wrong token costs no database read. */
export class AdminTokenView {
  private readonly bootstrapMac: Buffer;
  private tokens: ReadonlyMap<string, LiveToken> | undefined;
  private reading: Promise<void> = Promise.resolve();

  constructor(private readonly parts: AdminTokenViewParts) {
    this.bootstrapMac = parts.mac(parts.bootstrapToken);
    parts.feed.subscribe(['admin_token'], () => this.read());
    parts.feed.onReset((zone) => {
      if (zone === SYSTEM_ZONE) this.tokens = undefined;
    });
  }

  /** Who holds this token, or in words for the log why nobody does. */
  async find(token: string, address: string): Promise<AdminPrincipal | string> {
    const mac = this.parts.mac(token);
    if (timingSafeEqual(mac, this.bootstrapMac)) {
      if (!this.parts.maySendBootstrap(address)) return 'the bootstrap token is not accepted from this address';
      if (await this.namedTokensExist()) this.parts.onBreakGlass(address);
      return BOOTSTRAP;
    }
    if (!checkSecretFormat(SECRET_PREFIXES.adminToken, token)) return 'not an admin token';
    const tokens = this.tokens ?? (await this.load());
    this.parts.feed.assertFresh();
    const live = tokens.get(mac.toString('base64'));
    if (!live || !timingSafeEqual(live.secretMac, mac)) return 'unknown or revoked admin token';
    if (live.expiresAt <= this.parts.clock.now()) return 'expired admin token';
    this.parts.use.note(live.principal.id);
    return live.principal;
  }

  /** False when it cannot be known: breaking the glass must work when nothing can be read. */
  private async namedTokensExist(): Promise<boolean> {
    const tokens = this.tokens ?? (await this.load().catch(() => undefined));
    const now = this.parts.clock.now();
    return tokens !== undefined && [...tokens.values()].some(({ expiresAt }) => expiresAt > now);
  }

  private async load(): Promise<ReadonlyMap<string, LiveToken>> {
    await this.parts.feed.load(SYSTEM_ZONE);
    await this.read();
    if (!this.tokens) throw new AppError('temporarily_unavailable', 'The admin tokens cannot be read now.');
    return this.tokens;
  }

  /** Reads run one after the other, so that an older answer never replaces a newer one. */
  private read(): Promise<void> {
    this.reading = this.reading.catch(() => undefined).then(() => this.replace());
    return this.reading;
  }

  private async replace(): Promise<void> {
    const rows = await this.parts.database.readZone(SYSTEM_ZONE, (tx) => readLiveTokens(tx, this.parts.clock.now()));
    this.parts.use.keep(new Set(rows.map((row) => row.id)));
    this.tokens = new Map(rows.map((row) => [row.secretMac.toString('base64'), liveToken(row)]));
  }
}

function liveToken(row: AdminTokenEntity): LiveToken {
  const principal: AdminPrincipal = {
    kind: 'admin',
    id: row.id,
    name: row.name,
    person: row.person ?? row.line ?? row.id,
    capabilities: new Set(row.capabilities),
    ...(row.zones ? { zones: new Set(row.zones) } : {}),
    bootstrap: false,
  };
  return { secretMac: row.secretMac, expiresAt: row.expiresAt.getTime(), principal };
}
