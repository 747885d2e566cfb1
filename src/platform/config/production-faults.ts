import { parseCidrs } from './cidr.js';
import type { EnvDto } from './env.dto.js';
import { holdsPassword, isLoopbackHost } from './urls.js';
import { CONFIDENTIAL_VARIABLES, SECRET_VARIABLES, type Environment } from './variables.js';

/** What a production process does not start with: every insecure switch, and every secret that is not in a file. */
export function productionFaults(env: Environment, dto: EnvDto): string[] {
  const faults = [...inlineSecrets(env)];
  if (dto.EGRESS_ALLOW_LOOPBACK === 'true')
    faults.push('EGRESS_ALLOW_LOOPBACK is for development; production refuses it');
  if (dto.NODE_TLS_REJECT_UNAUTHORIZED === '0')
    faults.push('NODE_TLS_REJECT_UNAUTHORIZED=0 turns off TLS verification; production refuses it');
  const publicUrl = publicUrlFault(dto);
  return publicUrl === undefined ? faults : [...faults, publicUrl];
}

function inlineSecrets(env: Environment): string[] {
  const own = SECRET_VARIABLES.filter(([, variable]) => env[variable]).map(([, variable]) => variable);
  const confidential = CONFIDENTIAL_VARIABLES.filter((name) => {
    const text = env[name];
    return text ? name === 'METRICS_TOKEN' || holdsPassword(text) : false;
  });
  return [...own, ...confidential].map(
    (name) => `${name} holds a secret; production takes it only from a file: set ${name}_FILE`,
  );
}

function publicUrlFault(dto: EnvDto): string | undefined {
  if (dto.PUBLIC_URL === undefined) return 'PUBLIC_URL is required in production';
  if (!URL.canParse(dto.PUBLIC_URL)) return undefined;
  const { protocol, hostname } = new URL(dto.PUBLIC_URL);
  const behindProxy = (parseCidrs(dto.TRUST_PROXY ?? '') ?? []).length > 0;
  if (protocol !== 'http:' || behindProxy || isLoopbackHost(hostname)) return undefined;
  return 'PUBLIC_URL must be https in production, unless TRUST_PROXY names the proxies in front or it is a loopback address';
}
