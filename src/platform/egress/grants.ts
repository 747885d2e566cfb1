import { type FieldFault, AppError } from '../../kernel/app-error.js';
import { type Address, type AddressRange, contains, covers, parseRange } from './address.js';
import { isMetadata } from './judge-address.js';

/** `egress` of a resource as it is stored and sent. */
export interface EgressGrants {
  readonly allow?: readonly { readonly cidr: string; readonly port: number }[];
  readonly insecure_http?: boolean;
}

/** A block of addresses at one port, or at any when `port` is undefined. */
export interface PortRange {
  readonly range: AddressRange;
  readonly port: number | undefined;
}

/** One item of `EGRESS_GRANTABLE`: `CIDR:port` or `CIDR:*`, or undefined when it is neither. */
export function parsePortRange(text: string): PortRange | undefined {
  const at = text.lastIndexOf(':');
  const range = parseRange(text.slice(0, at).trim());
  const port = text.slice(at + 1).trim();
  if (!range || at < 0) return undefined;
  if (port === '*') return { range, port: undefined };
  return /^[1-9]\d{0,4}$/.test(port) && isPort(Number(port)) ? { range, port: Number(port) } : undefined;
}

/** The grants of one resource that can be used: malformed ones and those outside the operator's list count for nothing. */
export function usableGrants(grants: EgressGrants | undefined, grantable: readonly PortRange[]): readonly PortRange[] {
  return (grants?.allow ?? []).flatMap(({ cidr, port }) => {
    const range = parseRange(cidr);
    return range && isPort(port) && isGrantable({ range, port }, grantable) ? [{ range, port }] : [];
  });
}

/** True when one of the blocks covers the address and the port. */
export function isCovered(grants: readonly PortRange[], address: Address, port: number): boolean {
  return grants.some((grant) => (grant.port === undefined || grant.port === port) && contains(grant.range, address));
}

/** Refuses grants that are malformed (`invalid_request`), outside the operator's list, or for a metadata service (`egress_denied`). */
export function checkGrants(grants: EgressGrants | undefined, grantable: readonly PortRange[]): void {
  const malformed: FieldFault[] = [];
  const refused: FieldFault[] = [];
  (grants?.allow ?? []).forEach(({ cidr, port }, index) => {
    const range = parseRange(cidr);
    if (!range)
      malformed.push({ field: `egress.allow.${index}.cidr`, message: 'must be a CIDR block with zero host bits' });
    if (!isPort(port)) malformed.push({ field: `egress.allow.${index}.port`, message: 'must be a port number' });
    if (range && (!isGrantable({ range, port }, grantable) || isForMetadata(range))) {
      refused.push({ field: `egress.allow.${index}`, message: 'is outside what the operator lets be granted' });
    }
  });
  if (malformed.length > 0)
    throw new AppError('invalid_request', 'the egress grant is malformed', { errors: malformed });
  if (refused.length > 0)
    throw new AppError('egress_denied', 'the egress grant is not allowed here', { errors: refused });
}

function isGrantable(grant: PortRange, grantable: readonly PortRange[]): boolean {
  return grantable.some(
    (entry) => (entry.port === undefined || entry.port === grant.port) && covers(entry.range, grant.range),
  );
}

function isForMetadata(range: AddressRange): boolean {
  const hostBits = range.family === 4 ? 32 : 128;
  return range.prefix === hostBits && isMetadata({ family: range.family, value: range.base });
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}
