import { openHandover, type LogVerifiers } from '../domain/log/log-keys.js';
import { orFault } from './report.js';

/** Answers the key that a log has had since one that is trusted was put away, as that one itself named it. */
export function verifyHandover(note: string, verifiers: LogVerifiers): string {
  return orFault(() => openHandover(note, verifiers));
}
