import ipaddr from 'ipaddr.js';
import type { GrantableEgress } from './app-config.js';

const MAX_PORT = 65_535;
const DNS_PORT = 53;

/** `10.0.0.0/8`, or an address alone for exactly that address; undefined when it is neither. Host bits must be zero. */
export function parseCidr(text: string): string | undefined {
  if (!text.includes('/')) return parseAddress(text);
  const [address = '', length = '', ...rest] = text.split('/');
  if (rest.length > 0 || !/^\d{1,3}$/.test(length) || !isAddress(address)) return undefined;
  if (!ipaddr.isValidCIDR(text)) return undefined;
  const canonical = `${ipaddr.parse(address).toString()}/${Number(length)}`;
  return networkOf(text) === canonical ? canonical : undefined;
}

function parseAddress(text: string): string | undefined {
  if (!isAddress(text)) return undefined;
  const address = ipaddr.parse(text);
  return `${address.toString()}/${address.kind() === 'ipv4' ? 32 : 128}`;
}

/** ipaddr.js also takes octal, hexadecimal and shortened IPv4 forms, which people read differently than machines do. */
function isAddress(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text) || (ipaddr.IPv6.isValid(text) && !text.includes('%'));
}

function networkOf(cidr: string): string {
  const [address, length] = ipaddr.parseCIDR(cidr);
  const network =
    address.kind() === 'ipv4' ? ipaddr.IPv4.networkAddressFromCIDR(cidr) : ipaddr.IPv6.networkAddressFromCIDR(cidr);
  return `${network.toString()}/${length}`;
}

/** A comma-separated list of {@link parseCidr}; undefined when one of them is wrong. */
export function parseCidrs(text: string): string[] | undefined {
  return parseList(text, parseCidr);
}

/** A comma-separated list of `CIDR:port` (`10.1.0.0/16:443`, `[fd00::/8]:443`); undefined when one of them is wrong. */
export function parseGrantable(text: string): GrantableEgress[] | undefined {
  return parseList(text, parseGrantableEntry);
}

function parseGrantableEntry(text: string): GrantableEgress | undefined {
  const [, bracketed, bare, digits] = /^(?:\[([^\]]+)\]|([^[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const cidr = parseCidr(bracketed ?? bare ?? '');
  const port = Number(digits);
  return cidr !== undefined && port >= 1 && port <= MAX_PORT ? { cidr, port } : undefined;
}

/** A comma-separated list of addresses of DNS servers, each with a port or without (`10.0.0.53`, `[fd00::53]:5353`); undefined when one of them is wrong. */
export function parseDnsServers(text: string): string[] | undefined {
  return parseList(text, parseDnsServer);
}

function parseDnsServer(text: string): string | undefined {
  const [, v6, v4, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|(\d+\.\d+\.\d+\.\d+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const port = Number(digits ?? DNS_PORT);
  if (port < 1 || port > MAX_PORT) return undefined;
  if (v4 !== undefined) return isAddress(v4) ? `${v4}:${port}` : undefined;
  const address = v6 ?? text;
  return isAddress(address) && address.includes(':') ? `[${address}]:${port}` : undefined;
}

function parseList<T>(text: string, parse: (entry: string) => T | undefined): T[] | undefined {
  const entries = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map(parse);
  return entries.every((entry): entry is NonNullable<typeof entry> => entry !== undefined) ? entries : undefined;
}
