import { isIP } from 'node:net';
import { METADATA_HOSTS } from './special-ranges.js';

/** Where a URL leads, after WHATWG parsing; `host` is a name without trailing dot or an address without brackets. */
export interface EgressTarget {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  readonly isLiteral: boolean;
}

export type TargetVerdict = { readonly target: EgressTarget } | { readonly refused: string };

const MAX_URL = 2_048;
/** Characters that parsers disagree about; WHATWG would drop or turn them silently. */
const AMBIGUOUS = /[\u0000-\u0020\u007f\\]/;
const AUTHORITY = /^https?:\/\/([^/?#]*)/i;

/**
 * Guarantees that the text has one reading: http or https with `//`, no userinfo, no fragment, no character that parsers treat differently.
 * The host is the one of the URL standard, so decimal, octal, hexadecimal and full-width forms have become plain addresses (URL §3.5). It does
 * not say that the place may be reached: the addresses must be judged.
 */
export function parseTarget(text: string): TargetVerdict {
  const refused = refusalOfText(text);
  if (refused !== undefined) return { refused };
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return { refused: 'not_a_url' };
  }
  return judgeHost(url);
}

function refusalOfText(text: string): string | undefined {
  if (text.length > MAX_URL) return 'url_too_long';
  if (AMBIGUOUS.test(text)) return 'ambiguous_character';
  const authority = AUTHORITY.exec(text)?.[1];
  if (authority === undefined) return 'scheme';
  if (authority.includes('@')) return 'userinfo';
  return text.includes('#') ? 'fragment' : undefined;
}

function judgeHost(url: URL): TargetVerdict {
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (host === '' || host.startsWith('.') || host.endsWith('.') || host.includes('..')) return { refused: 'host' };
  if (METADATA_HOSTS.has(host)) return { refused: 'metadata' };
  const scheme = url.protocol === 'https:' ? 'https' : 'http';
  const port = url.port === '' ? (scheme === 'https' ? 443 : 80) : Number(url.port);
  if (port === 0) return { refused: 'port' };
  return { target: { scheme, host, port, isLiteral: isIP(host) !== 0 } };
}
