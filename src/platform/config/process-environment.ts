import { CONFIDENTIAL_VARIABLES, SECRET_VARIABLES, type Environment } from './variables.js';

/**
 * The process's environment, from which everything that may hold a secret has then been removed, so that neither a child process nor a
 * later reader of `process.env` sees it. What the kernel shows of the process's first environment cannot be taken back.
 */
export function takeEnvironment(): Environment {
  const env = { ...process.env };
  for (const name of [...SECRET_VARIABLES.map(([, variable]) => variable), ...CONFIDENTIAL_VARIABLES]) {
    delete process.env[name];
    delete process.env[`${name}_FILE`];
  }
  return env;
}
