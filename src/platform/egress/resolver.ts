import { lookup } from 'node:dns/promises';

/** Turns a name into addresses. Asked anew for each connection, so an answer is never trusted for longer than one dial. */
export interface Resolver {
  resolve(host: string): Promise<readonly string[]>;
}

/** Injection token of the process's {@link Resolver}. */
export const RESOLVER = Symbol('Resolver');

/** The operating system's resolver, hosts file included. */
export class SystemResolver implements Resolver {
  async resolve(host: string): Promise<readonly string[]> {
    const answers = await lookup(host, { all: true, verbatim: true });
    return answers.map(({ address }) => address);
  }
}
