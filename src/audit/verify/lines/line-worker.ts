import { parentPort } from 'node:worker_threads';
import { checkLines, type LineBatch } from './check-lines.js';

/** A thread of the verify program: checks the batches that it is sent, one after the other. */
parentPort?.on('message', (batch: LineBatch) => {
  const checked = checkLines(batch);
  parentPort?.postMessage(checked, [checked.leaves.buffer as ArrayBuffer]);
});
