import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

const STATE = 0;
const START_TIME = 19;
const ENDED = new Set(['Z', 'X', 'x']);

/** When a process began, in a form that two processes with one number never share; undefined when there is no such process or it has ended. */
export function startOfProcess(pid: number): string | undefined {
  try {
    return process.platform === 'linux' ? startFromProc(pid) : startFromPs(pid);
  } catch {
    return undefined;
  }
}

/** Whether the process that began then still runs. What cannot be told counts as running. */
export function isRunning(pid: number, start: string): boolean {
  if (!exists(pid)) return false;
  if (process.platform === 'linux' && !isVisible(pid)) return true;
  return startOfProcess(pid) === start;
}

/** Where process numbers have a meaning: one boot of one machine, one container. */
export function processNamespace(): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Some systems hide other users' processes from `/proc`. */
function isVisible(pid: number): boolean {
  try {
    readFileSync(`/proc/${pid}/stat`);
    return true;
  } catch {
    return false;
  }
}

function startFromProc(pid: number): string | undefined {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the program's name in brackets and may hold spaces and brackets itself.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return ENDED.has(fields[STATE] ?? '') ? undefined : fields[START_TIME];
}

function startFromPs(pid: number): string | undefined {
  const text = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
    encoding: 'utf8',
    env: { LC_ALL: 'C', PATH: '/bin:/usr/bin' },
  });
  const [, state = '', start] = /^(\S+)\s+(.+)$/.exec(text.trim()) ?? [];
  return state.startsWith('Z') ? undefined : start;
}
