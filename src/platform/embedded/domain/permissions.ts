/** A user of the operating system that the server can run as. */
export interface OsAccount {
  readonly uid: number;
  readonly gid: number;
}

/** What `stat` tells about a file. */
export interface FileModes {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

export const SEARCH = 0o1;
export const READ = 0o4;

/** Whether the account has these rights (`READ`, `SEARCH` or both) on a file, by its mode alone: access lists are not seen. */
export function permits(file: FileModes, account: OsAccount, rights: number): boolean {
  if (account.uid === 0) return true;
  const shift = file.uid === account.uid ? 6 : file.gid === account.gid ? 3 : 0;
  return ((file.mode >> shift) & rights) === rights;
}

/** Reads the account of that name from the text of `/etc/passwd`. */
export function findAccount(passwd: string, name: string): OsAccount | undefined {
  for (const line of passwd.split('\n')) {
    const [user, , uid = '', gid = ''] = line.split(':');
    if (user === name && /^\d+$/.test(uid) && /^\d+$/.test(gid)) return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}
