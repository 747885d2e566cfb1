/** The bare reverse proxy: Fastify hands the raw request to undici and the raw answer back. It decides, checks and records nothing. */
import Fastify from 'fastify';
import { Pool } from 'undici';

const upstream = process.env.BENCH_UPSTREAM;
const pool = new Pool(upstream, { connections: 256, pipelining: 1 });
const app = Fastify({ logger: false });
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));

app.all('/*', (request, reply) => {
  reply.hijack();
  const { raw } = reply;
  const headers = { ...request.headers };
  for (const name of ['host', 'connection', 'transfer-encoding', 'authorization']) delete headers[name];
  const body = request.method === 'GET' ? null : request.body;
  pool
    .stream(
      { path: request.raw.url, method: request.method, headers, body, opaque: raw },
      ({ statusCode, headers: answered, opaque }) => {
        opaque.writeHead(statusCode, answered);
        return opaque;
      },
    )
    .catch(() => raw.destroy());
});

const address = await app.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`listening on ${address}\n`);
