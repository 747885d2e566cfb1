import ipaddr from 'ipaddr.js';

type Range = [ipaddr.IPv4 | ipaddr.IPv6, number];

/** A test for membership in any of the ranges. An IPv4-mapped address counts as the IPv4 address it is; what is no address is in no range. */
export function addressRanges(cidrs: readonly string[]): (address: string) => boolean {
  const ranges: Range[] = cidrs.map((cidr) => ipaddr.parseCIDR(cidr));
  return (text) => {
    if (!ipaddr.isValid(text)) return false;
    const address = ipaddr.process(text);
    return ranges.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
  };
}
