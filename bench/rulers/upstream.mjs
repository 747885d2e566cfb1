/** node:http and nothing else: the upstream of the gateway and of the bare proxy, and the ruler "hello". */
import { createServer } from 'node:http';

const ONE_KIB = Buffer.alloc(1_024, 'x');
const CHUNK = Buffer.alloc(64 * 1_024, 'y');

function stream(response, total) {
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': total });
  let left = total;
  const write = () => {
    while (left > 0) {
      const part = left >= CHUNK.length ? CHUNK : CHUNK.subarray(0, left);
      left -= part.length;
      if (!response.write(part)) return void response.once('drain', write);
    }
    response.end();
  };
  write();
}

/** Events until somebody ends them. */
function events(response) {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const timer = setInterval(() => response.write('data: tick\n\n'), 5);
  response.on('close', () => clearInterval(timer));
}

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const url = new URL(request.url, 'http://127.0.0.1');
  if (url.pathname === '/stream') return stream(response, Number(url.searchParams.get('bytes')));
  if (url.pathname === '/events') return events(response);
  if (url.pathname === '/hello') return response.end('{"hello":"world"}');
  response.setHeader('content-type', 'application/octet-stream');
  response.end(ONE_KIB);
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`listening on http://127.0.0.1:${server.address().port}\n`));
