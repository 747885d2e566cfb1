/** Reads one answer to its end and counts: bytes and milliseconds, as one JSON line. */
import { get } from 'node:http';

const { url, headers = {} } = JSON.parse(process.argv[2]);
const started = performance.now();
get(url, { headers }, (answer) => {
  let bytes = 0;
  answer.on('data', (chunk) => (bytes += chunk.length));
  answer.on('close', () => {
    const result = { status: answer.statusCode, bytes, ms: performance.now() - started, complete: answer.complete };
    process.stdout.write(`${JSON.stringify(result)}\n`);
    process.exit(0);
  });
});
