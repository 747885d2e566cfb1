import type { Secret } from '../../kernel/secret.js';

/** DI token of the {@link AppConfig}. */
export const APP_CONFIG = Symbol('AppConfig');

/** The secrets of a deployment; `SECRET_VARIABLES` and `SECRET_FILES` say how each is spelled elsewhere. */
export type SecretName =
  'kek' | 'pepper' | 'ledgerHmac' | 'checkpointKey' | 'queueHmac' | 'databasePassword' | 'adminToken';

/** A secret's name as operators see it: the file under `DATA_DIR/secrets`, in messages and beside fingerprints. */
export const SECRET_FILES: Readonly<Record<SecretName, string>> = {
  kek: 'kek',
  pepper: 'pepper',
  ledgerHmac: 'ledger_hmac',
  checkpointKey: 'checkpoint_key',
  queueHmac: 'queue_hmac',
  databasePassword: 'database_password',
  adminToken: 'admin_token',
};

/** Where a secret is given, if the operator gives it at all; never both. */
export interface SecretSource {
  readonly inline?: Secret;
  readonly file?: string;
}

export interface HttpConfig {
  readonly host: string;
  /** 0 asks the system for a free port. */
  readonly port: number;
  readonly adminPort?: number;
  /** Without it the base URL is `http://127.0.0.1:<bound port>`. */
  readonly publicUrl?: string;
  readonly trustProxy: readonly string[];
  readonly bootstrapCidrs: readonly string[];
  /** From this delay of the event loop on new work is refused; 0 never. */
  readonly maxLoopDelayMs: number;
}

/** One range of addresses, with one port, that a global administrator may grant to a resource. */
export interface GrantableEgress {
  readonly cidr: string;
  readonly port: number;
}

/** What the process was started with. Deeply frozen; holds no secret that prints. */
export interface AppConfig {
  readonly production: boolean;
  readonly http: HttpConfig;
  /** Absolute. */
  readonly dataDir: string;
  /** Without `url` the embedded server is used. */
  readonly database: { readonly url?: string; readonly migrateUrl?: string; readonly timeoutMs: number };
  readonly redis: { readonly url?: string };
  readonly log: { readonly level: string };
  readonly egress: {
    readonly allowLoopback: boolean;
    readonly grantable: readonly GrantableEgress[];
    /** `address:port` each; none leaves names to the operating system. */
    readonly dnsServers: readonly string[];
  };
  readonly control: { readonly enabled: boolean; readonly gateFile?: string };
  readonly view: { readonly maxStalenessMs: number; readonly pollMs: number };
  readonly secretSources: Readonly<Record<SecretName, SecretSource>>;
  readonly metrics: { readonly token?: Secret };
}
