import { NoteError } from '../domain/log/signed-note.js';

/** The first thing that is wrong; `index` undefined when no single entry can be named. */
export interface Fault {
  readonly index?: number | undefined;
  readonly reason: string;
}

/** What was verified, in one line, or what is wrong with it. */
export type Report = { readonly summary: string } | { readonly fault: Fault };

export function faultLine({ index, reason }: Fault): string {
  return `${index === undefined ? 'head' : `index ${index}`}: ${reason}`;
}

/** Found wrong: ends the verification wherever it is. */
export class FaultError extends Error {
  override readonly name = 'FaultError';

  constructor(readonly fault: Fault) {
    super(faultLine(fault));
  }
}

export function fault(index: number | undefined, reason: string): FaultError {
  return new FaultError({ index, reason });
}

/** Runs a verification: what it finds wrong is its report, not its failure. */
export async function reportOf(verify: () => Promise<string>): Promise<Report> {
  try {
    return { summary: await verify() };
  } catch (error) {
    if (error instanceof FaultError) return { fault: error.fault };
    throw error;
  }
}

/** What a malformed or unsigned note says is what is wrong with the head. */
export function orFault<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof NoteError || error instanceof TypeError || error instanceof RangeError)
      throw fault(undefined, error.message);
    throw error;
  }
}
