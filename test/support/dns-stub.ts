import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

const A = 1;
const AAAA = 28;
const HEADER_BYTES = 12;
/** A response to a recursive query, without a fault (RFC 1035 §4.1.1). */
const ANSWERED = 0x8180;

/** A DNS server (RFC 1035) on loopback that answers as it is told, another answer for every question if need be. */
export class DnsStub {
  /** Names whose IPv4 addresses were asked for, in that order. */
  readonly asked: string[] = [];
  private readonly held = new Map<string, Promise<void>>();

  private constructor(
    private readonly socket: Socket,
    /** `address:port`. */
    readonly server: string,
  ) {}

  /** `addresses` answers the nth question about a name, from 0 on. Everything has a life of zero seconds, and no IPv6 address. */
  static async start(addresses: (name: string, nth: number) => readonly string[]): Promise<DnsStub> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const stub = new DnsStub(socket, `127.0.0.1:${socket.address().port}`);
    socket.on('message', (query, { port, address }) => {
      const { name, type, end } = questionOf(query);
      const nth = stub.asked.filter((one) => one === name).length;
      if (type === A) stub.asked.push(name);
      const answer = answerTo(query.subarray(0, end), type === A ? addresses(name, nth) : []);
      void (stub.held.get(name) ?? Promise.resolve()).then(() => socket.send(answer, port, address));
    });
    return stub;
  }

  /** From now on questions about this name wait, until what this answers is called. */
  hold(name: string): () => void {
    let release = (): void => undefined;
    this.held.set(name, new Promise((resolve) => (release = resolve)));
    return () => {
      this.held.delete(name);
      release();
    };
  }

  async close(): Promise<void> {
    this.socket.close();
    await once(this.socket, 'close');
  }
}

function questionOf(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const type = query.readUInt16BE(at + 1);
  if (type !== A && type !== AAAA) throw new Error(`nobody answers questions of type ${type}`);
  return { name: labels.join('.').toLowerCase(), type, end: at + 5 };
}

function answerTo(question: Buffer, addresses: readonly string[]): Buffer {
  const head = Buffer.from(question);
  head.writeUInt16BE(ANSWERED, 2);
  [1, addresses.length, 0, 0].forEach((count, at) => head.writeUInt16BE(count, 4 + 2 * at));
  const records = addresses.map((address) => {
    const record = Buffer.alloc(16);
    // A pointer to the name of the question; class IN; four octets of address (RFC 1035 §4.1.4, §3.4.1).
    [0xc00c, A, 1, 0, 0, 4].forEach((value, at) => record.writeUInt16BE(value, 2 * at));
    address.split('.').forEach((octet, at) => record.writeUInt8(Number(octet), 12 + at));
    return record;
  });
  return Buffer.concat([head, ...records]);
}
