import { leafHash } from '../domain/chain.js';
import { openCheckpoint } from '../domain/log/checkpoint.js';
import type { LogVerifiers } from '../domain/log/log-keys.js';
import { parseTlogProof } from '../domain/log/tlog-proof.js';
import { verifyInclusion } from '../domain/log/tree-proofs.js';
import { fault, orFault } from './report.js';

/** Verifies a receipt (C2SP tlog-proof): that the log has this leaf at the index that the receipt names. */
export function verifyProof(receipt: string, leaf: Buffer, verifiers: LogVerifiers): string {
  const proof = orFault(() => parseTlogProof(receipt));
  const head = orFault(() => openCheckpoint(proof.checkpoint, verifiers));
  if (!verifyInclusion({ index: proof.index, leaf }, proof.hashes, head))
    throw fault(proof.index, 'the entry is not the one that the receipt proves');
  return `${head.origin}: entry ${proof.index} is in the log of ${head.size} entries`;
}

/** The leaf of an entry in a file: its canonical bytes, with or without a newline that an editor put behind them. */
export function leafOfFile(bytes: Buffer): Buffer {
  return leafHash(bytes.toString('utf8').replace(/\r?\n$/, ''));
}
