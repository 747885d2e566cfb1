import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fault } from './report.js';

/** Where files come from: a directory, or a server. A file that is not there is undefined. */
export interface Source {
  bytes(path: string): Promise<Buffer | undefined>;
  stream(path: string): Promise<AsyncIterable<Buffer> | undefined>;
}

const CHUNK = 1 << 19;

/** Throws when the directory cannot be read: then nothing was verified. */
export async function directorySource(directory: string): Promise<Source> {
  if (!(await stat(directory)).isDirectory()) throw new Error(`${directory} is not a directory`);
  const there = (path: string) =>
    stat(join(directory, path)).then(
      (found) => found.isFile(),
      () => false,
    );
  return {
    bytes: async (path) => ((await there(path)) ? readFile(join(directory, path)) : undefined),
    stream: async (path) =>
      (await there(path)) ? createReadStream(join(directory, path), { highWaterMark: CHUNK }) : undefined,
  };
}

/** Below a URL prefix; `token` goes along as a bearer token. */
export function urlSource(prefix: string, token?: string): Source {
  const base = prefix.replace(/\/$/, '');
  const get = async (path: string): Promise<Response | undefined> => {
    const response = await fetch(`${base}/${path}`, {
      redirect: 'error',
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
    if (response.ok) return response;
    await response.body?.cancel();
    if (response.status === 404 || response.status === 410) return undefined;
    throw new Error(`${base}/${path} answered ${response.status}`);
  };
  return {
    bytes: async (path) => {
      const response = await get(path);
      return response && Buffer.from(await response.arrayBuffer());
    },
    stream: async (path) => {
      const response = await get(path);
      return response?.body ? Readable.fromWeb(response.body) : undefined;
    },
  };
}

/** The text of a file that must be there and be UTF-8. */
export async function textOf(source: Source, path: string): Promise<string> {
  const bytes = await source.bytes(path);
  if (!bytes) throw fault(undefined, `${path} is missing`);
  return bytes.toString('utf8');
}
