import { IsIn, IsOptional, ValidateBy, type ValidationOptions } from 'class-validator';
import { parseCidrs, parseDnsServers, parseGrantable } from './cidr.js';
import { isUrlOf, publicUrlFault } from './urls.js';

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];
const POSTGRES = ['postgres:', 'postgresql:'];
const MAX_PORT = 65_535;

/** A rule over the text of a variable. The message never quotes the text: it may hold a password. */
function Demand(message: string, accepts: (text: string) => boolean, options?: ValidationOptions): PropertyDecorator {
  const validate = (value: unknown) => typeof value === 'string' && accepts(value);
  return ValidateBy({ name: 'demand', validator: { validate, defaultMessage: () => `$property ${message}` } }, options);
}

function isInteger(text: string, min: number, max: number): boolean {
  return /^(0|[1-9]\d{0,8})$/.test(text) && Number(text) >= min && Number(text) <= max;
}

const Port = () => Demand(`must be an integer from 0 to ${MAX_PORT}`, (text) => isInteger(text, 0, MAX_PORT));
const Cidrs = () =>
  Demand('must be a comma-separated list of networks such as 10.0.0.0/8', (text) => parseCidrs(text) !== undefined);
const Postgres = () =>
  Demand('must be a postgres:// URL that names a database', (text) =>
    isUrlOf(text, POSTGRES, (url) => url.pathname.length > 1),
  );
const Path = () => Demand('must be a path', (text) => !text.includes('\0'));

/** The environment as text, one property for each variable that is not a secret of its own. Unset variables are undefined. */
export class EnvDto {
  @IsOptional()
  @IsIn(['production', 'development', 'test'], { message: '$property must be production, development or test' })
  NODE_ENV?: string;

  @IsOptional()
  @Demand('must be an address or a host name', (text) => /^[A-Za-z0-9._:-]+$/.test(text))
  HOST?: string;

  @IsOptional()
  @Port()
  PORT?: string;

  @IsOptional()
  @Port()
  ADMIN_PORT?: string;

  @IsOptional()
  @Demand(
    'must be an absolute http or https URL in canonical form, without trailing slash, query, fragment, user or password',
    (text) => {
      return publicUrlFault(text) === undefined;
    },
  )
  PUBLIC_URL?: string;

  @IsOptional()
  @Cidrs()
  TRUST_PROXY?: string;

  @IsOptional()
  @Cidrs()
  BOOTSTRAP_CIDRS?: string;

  @IsOptional()
  @Path()
  DATA_DIR?: string;

  @IsOptional()
  @Postgres()
  DATABASE_URL?: string;

  @IsOptional()
  @Postgres()
  DATABASE_MIGRATE_URL?: string;

  @IsOptional()
  @Demand('must be a number of milliseconds from 1000 to 60000', (text) => isInteger(text, 1_000, 60_000))
  DATABASE_TIMEOUT?: string;

  @IsOptional()
  @Demand('must be a redis:// or rediss:// URL', (text) =>
    isUrlOf(text, ['redis:', 'rediss:'], (url) => url.hostname !== ''),
  )
  REDIS_URL?: string;

  @IsOptional()
  @IsIn(LOG_LEVELS, { message: `$property must be one of ${LOG_LEVELS.join(', ')}` })
  LOG_LEVEL?: string;

  @IsOptional()
  @IsIn(['true', 'false'], { message: '$property must be true or false' })
  EGRESS_ALLOW_LOOPBACK?: string;

  @IsOptional()
  @Demand(
    'must be a comma-separated list such as 10.1.0.0/16:443 or [fd00::/8]:443',
    (text) => parseGrantable(text) !== undefined,
  )
  EGRESS_GRANTABLE?: string;

  @IsOptional()
  @Demand(
    'must be a comma-separated list of addresses such as 10.0.0.53 or [fd00::53]:5353',
    (text) => parseDnsServers(text) !== undefined,
  )
  DNS_SERVERS?: string;

  CONTROL_ENABLED?: string;

  @IsOptional()
  @Path()
  CONTROL_GATE_FILE?: string;

  @IsOptional()
  @Demand('must be a number of milliseconds from 100 to 60000', (text) => isInteger(text, 100, 60_000))
  VIEW_MAX_STALENESS?: string;

  @IsOptional()
  @Demand(
    'must be a number of milliseconds from 20 to 60000, or 0',
    (text) => text === '0' || isInteger(text, 20, 60_000),
  )
  MAX_LOOP_DELAY?: string;

  @IsOptional()
  @Demand('must be at least 16 visible characters', (text) => /^[\x21-\x7e]{16,}$/.test(text))
  METRICS_TOKEN?: string;

  NODE_TLS_REJECT_UNAUTHORIZED?: string;
}

/** The names of the variables above, for copying them from an environment that holds many others. */
export const ENV_VARIABLES = [
  'NODE_ENV',
  'HOST',
  'PORT',
  'ADMIN_PORT',
  'PUBLIC_URL',
  'TRUST_PROXY',
  'BOOTSTRAP_CIDRS',
  'DATA_DIR',
  'DATABASE_URL',
  'DATABASE_MIGRATE_URL',
  'DATABASE_TIMEOUT',
  'REDIS_URL',
  'LOG_LEVEL',
  'EGRESS_ALLOW_LOOPBACK',
  'EGRESS_GRANTABLE',
  'DNS_SERVERS',
  'CONTROL_ENABLED',
  'CONTROL_GATE_FILE',
  'VIEW_MAX_STALENESS',
  'MAX_LOOP_DELAY',
  'METRICS_TOKEN',
  'NODE_TLS_REJECT_UNAUTHORIZED',
] as const satisfies readonly (keyof EnvDto)[];
