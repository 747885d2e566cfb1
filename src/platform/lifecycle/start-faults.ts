import { StartError } from '../../kernel/start-error.js';
import { redactText } from '../logging/index.js';

/**
 * What a terminal is told about a start that failed, line by line: the operator's faults as they are; of the system's refusals (a port in use,
 * a server that does not answer) what was refused; of any other error its stack.
 */
export function startFaults(error: unknown): readonly string[] {
  if (error instanceof StartError) return error.faults.map(redactText);
  return [redactText(`caracal could not start: ${describe(error)}`)];
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError) return error.errors.map(describe).join('; ');
  const reason = error.cause === undefined ? '' : `: ${describe(error.cause)}`;
  if ('code' in error) return error.message + reason;
  return (error.stack ?? error.message) + reason;
}
