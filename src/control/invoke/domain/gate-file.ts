/** What the file system says of the gate file, the last link of its path not followed. */
export interface GateFileStat {
  readonly regular: boolean;
  /** Permission bits. */
  readonly mode: number;
  readonly owner: number;
}

const WRITABLE_BY_OTHERS = 0o022;
const ROOT = 0;

/**
 * Why the gate is shut, or undefined when it is open: the file must be a regular one, of root or of the process's own user, and writable by
 * nobody else (neither group nor world). A symbolic link, a directory, a fifo and a missing file are no gate.
 */
export function gateFault(stat: GateFileStat | undefined, ownUser: number | undefined): string | undefined {
  if (!stat) return 'the gate file is missing';
  if (!stat.regular) return 'the gate file is no regular file';
  if (stat.owner !== ROOT && stat.owner !== ownUser) return 'the gate file is of another user';
  if ((stat.mode & WRITABLE_BY_OTHERS) !== 0) return 'the gate file is writable by others';
  return undefined;
}
