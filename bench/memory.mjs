/** Resident memory of a process, from the system. */
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';

export async function residentBytes(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => undefined);
  const kib =
    status === undefined
      ? execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })
      : /VmRSS:\s+(\d+)/.exec(status)?.[1];
  return Number(kib) * 1_024;
}
