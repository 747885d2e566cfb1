import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { InformationalAnswers, informationalMessage } from './informational.js';

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/** What a caller reads that sent these bytes, the last request of which closes the connection. */
async function read(listener: Listener, bytes: string): Promise<string> {
  const server = createServer((request, response) => {
    response.sendDate = false;
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const text = await new Promise<string>((resolve) => {
    let seen = '';
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk) => (seen += chunk.toString('latin1'))).on('close', () => resolve(seen));
  });
  await new Promise((resolve) => server.close(resolve));
  return text;
}

describe('informational answers (RFC 9110 §15.2)', () => {
  it.each<[number, string[], string]>([
    [102, [], 'HTTP/1.1 102 Processing\r\n\r\n'],
    [103, ['Link', '</a>', 'link', '</b>'], 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nlink: </b>\r\n\r\n'],
    [104, ['Upload-Offset', '7'], 'HTTP/1.1 104 \r\nUpload-Offset: 7\r\n\r\n'],
    [199, ['X-A', 'caf\u00e9'], 'HTTP/1.1 199 \r\nX-A: caf\u00e9\r\n\r\n'],
    [150, ['Content-Length', '5', 'Trailer', 'x'], 'HTTP/1.1 150 \r\n\r\n'],
    [150, ['X-A', '1\r\nX-B: 2', 'X C', '1', 'X-D\n', '1', 'X-E', '\u0000'], 'HTTP/1.1 150 \r\n\r\n'],
  ])('%i with %j is one message', (status, headers, message) => {
    expect(informationalMessage(status, headers).toString('latin1')).toBe(message);
  });

  it('[T3] no name and no value makes a second message or another field', () => {
    const text = fc.string({ unit: fc.constantFrom('\r', '\n', ' ', ':', 'a', '\u0000', '\u010a', '-', '\t') });
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 199 }), fc.array(fc.tuple(text, text)), (status, fields) => {
        const lines = informationalMessage(status, fields.flat()).toString('latin1').split('\r\n');
        expect(lines.slice(-2)).toEqual(['', '']);
        expect(lines.length - 3).toBeLessThanOrEqual(fields.length);
        for (const line of lines.slice(1, -2)) expect(line).toMatch(/^[a-]+: [ :a\t-]*$/);
      }),
    );
  });

  it('stand before the answer, of any code but 101, and are not sent once it has begun', async () => {
    const seen = await read((_request, response) => {
      const before = new InformationalAnswers(response);
      for (const status of [104, 101, 99, 200, 102]) before.send(status, ['X-At', String(status)]);
      response.writeHead(200, { 'content-length': 2 });
      before.send(105, []);
      response.end('ok');
    }, 'GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
    expect(seen).toMatch(
      /^HTTP\/1\.1 104 \r\nX-At: 104\r\n\r\nHTTP\/1\.1 102 Processing\r\nX-At: 102\r\n\r\nHTTP\/1\.1 200 OK\r\n[^]*ok$/,
    );
    expect(seen).not.toMatch(/HTTP\/1\.1 (?:101|99|105)/);
  });

  it('are not for callers of HTTP/1.0, which cannot read them', async () => {
    const seen = await read((_request, response) => {
      new InformationalAnswers(response).send(103, ['Link', '</a>']);
      response.end('ok');
    }, 'GET / HTTP/1.0\r\n\r\n');
    expect(seen).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('[T3] wait for their turn on a connection with several requests (RFC 9112 §9.3.2)', async () => {
    let first: ServerResponse | undefined;
    const seen = await read((request, response) => {
      if (request.url === '/first') return void (first = response);
      const before = new InformationalAnswers(response);
      before.send(104, ['X-At', 'a']);
      before.send(105, ['X-At', 'b']);
      response.end('second');
      first?.end('first');
    }, 'GET /first HTTP/1.1\r\nHost: h\r\n\r\nGET /second HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
    expect(seen.match(/HTTP\/1\.1 \d+|first|second/g)).toEqual([
      'HTTP/1.1 200',
      'first',
      'HTTP/1.1 104',
      'HTTP/1.1 105',
      'HTTP/1.1 200',
      'second',
    ]);
  });
});
