import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AuditLedger } from '../audit/index.js';
import { CLOCK, type Clock } from '../kernel/clock.js';
import { ChangeFeed } from '../platform/changes/index.js';
import { APP_CONFIG, type AppConfig } from '../platform/config/index.js';
import { Database } from '../platform/database/index.js';
import { APP_LOGGER, type AppLogger } from '../platform/logging/index.js';
import { Envelope, SECRETS, type Secrets } from '../platform/secrets/index.js';
import { PublicUrls } from '../platform/urls/index.js';
import { AdminTokenView } from './admin-token-view.js';
import { AdminTokens } from './admin-tokens.js';
import { AdminTokenUse } from './persistence/admin-token-use.js';
import { addressRanges } from './domain/address-ranges.js';
import { ProofsOfPossession } from './dpop/proofs-of-possession.js';
import { RuntimeProofs } from './dpop/runtime-proofs.js';
import { IdTokens } from './federation/id-tokens.js';
import { AccessGuard } from './http/access.guard.js';
import { AdminKeysController } from './http/admin-keys.controller.js';
import { AdminTokensController } from './http/admin-tokens.controller.js';
import { AdminGuard } from './http/admin.guard.js';
import { ControlGuard } from './http/control.guard.js';
import { RuntimeGuard } from './http/runtime.guard.js';
import { AdvanceKeys } from './jobs/advance-keys.js';
import { KeyAdministration } from './key-administration.js';
import { KeyLifecycle } from './key-lifecycle.js';
import { KeyMinting } from './key-minting.js';
import { KeyRing } from './key-ring.js';
import {
  ADMIN_TOKEN_MAC,
  CLIENT_SECRET_MAC,
  TOKEN_STATUS,
  ZONE_DIRECTORY,
  type TokenStatus,
  type ZoneDirectory,
} from './ports.js';
import { OperatorSessions } from './operator-sessions.js';
import { secretMac } from './secret-macs.js';
import { TokenSigner } from './token-signer.js';
import { TokenVerifier } from './token-verifier.js';

/** Keys, tokens, and the guards in front of every route. Its ports TOKEN_STATUS and ZONE_DIRECTORY are provided by global modules to its right. */
@Global()
@Module({
  controllers: [AdminKeysController, AdminTokensController],
  providers: [
    { provide: KeyMinting, inject: [Envelope], useFactory: (envelope: Envelope) => new KeyMinting(envelope) },
    {
      provide: CLIENT_SECRET_MAC,
      inject: [SECRETS],
      useFactory: (secrets: Secrets) => secretMac(secrets.pepper, 'client_secret'),
    },
    {
      provide: ADMIN_TOKEN_MAC,
      inject: [SECRETS],
      useFactory: (secrets: Secrets) => secretMac(secrets.pepper, 'admin_token'),
    },
    {
      provide: AdminTokenView,
      inject: [Database, ChangeFeed, CLOCK, ADMIN_TOKEN_MAC, SECRETS, APP_CONFIG, AdminTokenUse, APP_LOGGER],
      useFactory: makeAdminTokenView,
    },
    {
      provide: AdminTokenUse,
      inject: [Database, CLOCK, APP_LOGGER],
      useFactory: (database: Database, clock: Clock, log: AppLogger) =>
        new AdminTokenUse(database, clock, (error) => log.warn({ err: error }, 'the last use of a token was not kept')),
    },
    KeyRing,
    KeyLifecycle,
    KeyAdministration,
    AdminTokens,
    TokenSigner,
    TokenVerifier,
    ProofsOfPossession,
    RuntimeProofs,
    IdTokens,
    {
      provide: OperatorSessions,
      inject: [AdminTokenView, ZONE_DIRECTORY, Envelope, CLOCK],
      useFactory: (...[tokens, zones, envelope, clock]: [AdminTokenView, ZoneDirectory, Envelope, Clock]) =>
        new OperatorSessions({ tokens, zones, envelope, clock }),
    },
    AdminGuard,
    RuntimeGuard,
    {
      provide: ControlGuard,
      inject: [
        TokenVerifier,
        PublicUrls,
        ChangeFeed,
        RuntimeProofs,
        AdminTokenView,
        TOKEN_STATUS,
        ZONE_DIRECTORY,
        AuditLedger,
        CLOCK,
      ],
      useFactory: makeControlGuard,
    },
    AdvanceKeys,
    { provide: APP_GUARD, useClass: AccessGuard },
  ],
  exports: [KeyRing, TokenSigner, TokenVerifier, ProofsOfPossession, IdTokens, OperatorSessions, CLIENT_SECRET_MAC],
})
export class AuthModule {}

function makeAdminTokenView(
  ...[database, feed, clock, mac, secrets, config, use, log]: [
    Database,
    ChangeFeed,
    Clock,
    (secret: string) => Buffer,
    Secrets,
    AppConfig,
    AdminTokenUse,
    AppLogger,
  ]
): AdminTokenView {
  const maySendBootstrap = addressRanges(config.http.bootstrapCidrs);
  return new AdminTokenView({
    database,
    feed,
    clock,
    mac,
    bootstrapToken: secrets.adminToken.reveal(),
    maySendBootstrap,
    use,
    onBreakGlass: warnedAtMost(clock, (address) =>
      log.warn({ address }, 'the bootstrap token was used although named tokens exist; keep it for emergencies'),
    ),
  });
}

function makeControlGuard(
  ...[verifier, urls, feed, proofs, admins, statuses, zones, ledger, clock]: [
    TokenVerifier,
    PublicUrls,
    ChangeFeed,
    RuntimeProofs,
    AdminTokenView,
    TokenStatus,
    ZoneDirectory,
    AuditLedger,
    Clock,
  ]
): ControlGuard {
  return new ControlGuard(verifier, urls, feed, proofs, { admins, statuses, zones, ledger, now: () => clock.now() });
}

const QUIET_MS = 60_000;

/** Calls through at most once a minute. */
function warnedAtMost(clock: Clock, warn: (address: string) => void): (address: string) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (address) => {
    if (clock.monotonic() - last < QUIET_MS) return;
    last = clock.monotonic();
    warn(address);
  };
}
