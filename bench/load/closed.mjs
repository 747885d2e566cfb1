/** Closed loop, as a process of its own: so many connections, each sends when it has its answer. Prints one JSON line. */
import autocannon from 'autocannon';

const { target, connections, seconds } = JSON.parse(process.argv[2]);
const { url, method = 'GET', headers = {}, body } = target;
const result = await autocannon({ url, method, headers, body, connections, duration: seconds, timeout: 20 });
const answered = result['2xx'];
process.stdout.write(
  `${JSON.stringify({
    perSecond: answered / result.duration,
    answered,
    refused: result.non2xx,
    failed: result.errors + result.timeouts,
    p50: result.latency.p50,
    p99: result.latency.p99,
  })}\n`,
);
