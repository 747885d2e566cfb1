import { Secret } from '../../kernel/secret.js';
import { SECRET_FILES, type SecretName, type SecretSource } from './app-config.js';
import { ENV_VARIABLES, EnvDto } from './env.dto.js';

/** Environment variables as a process hands them over. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** How a `*_FILE` is read; throws an Error whose message names no content. */
export type FileReader = (path: string) => string;

/** Variables that are no secret of ours but usually hold one, so each can also be given as a file. */
export const CONFIDENTIAL_VARIABLES = ['DATABASE_URL', 'DATABASE_MIGRATE_URL', 'REDIS_URL', 'METRICS_TOKEN'] as const;

/** Each secret with the variable that gives it; `<variable>_FILE` names a file instead. */
export const SECRET_VARIABLES: readonly (readonly [SecretName, string])[] = Object.entries(SECRET_FILES).map(
  ([name, file]) => [name as SecretName, file.toUpperCase()],
);

/** The variables of the DTO, with what a `*_FILE` holds in the place of its variable. An empty variable is an unset one. */
export function readVariables(env: Environment, readFile: FileReader, faults: string[]): EnvDto {
  const dto = new EnvDto();
  for (const name of ENV_VARIABLES) {
    if (env[name]) dto[name] = env[name];
  }
  for (const name of CONFIDENTIAL_VARIABLES) {
    const text = readConfidential(env, name, { readFile, faults });
    if (text !== undefined) dto[name] = text;
  }
  return dto;
}

function readConfidential(
  env: Environment,
  name: string,
  ctx: { readFile: FileReader; faults: string[] },
): string | undefined {
  const path = env[`${name}_FILE`];
  if (!path) return undefined;
  if (env[name]) {
    ctx.faults.push(bothSet(name));
    return undefined;
  }
  try {
    return ctx.readFile(path);
  } catch (error) {
    ctx.faults.push(`${name}_FILE: ${(error as Error).message}`);
    return undefined;
  }
}

/** Where each secret comes from. The files are not read here. */
export function readSecretSources(env: Environment, faults: string[]): Record<SecretName, SecretSource> {
  const sources = SECRET_VARIABLES.map(([name, variable]): [SecretName, SecretSource] => {
    const inline = env[variable];
    const file = env[`${variable}_FILE`];
    if (inline && file) faults.push(bothSet(variable));
    if (inline) return [name, { inline: new Secret(inline) }];
    return [name, file ? { file } : {}];
  });
  return Object.fromEntries(sources) as Record<SecretName, SecretSource>;
}

function bothSet(variable: string): string {
  return `${variable} and ${variable}_FILE are both set; only one may be`;
}
