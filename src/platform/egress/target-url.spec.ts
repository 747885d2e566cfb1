import { describe, expect, it } from '@jest/globals';
import { parseTarget } from './target-url.js';

describe('[T3] parseTarget', () => {
  const hosts: [string, string, number][] = [
    ['https://api.example.com/v1', 'api.example.com', 443],
    ['HTTPS://API.Example.COM:8443', 'api.example.com', 8443],
    ['http://api.example.com', 'api.example.com', 80],
    ['https://api.example.com.', 'api.example.com', 443],
    ['https://2130706433/', '127.0.0.1', 443],
    ['https://0x7f.1/', '127.0.0.1', 443],
    ['https://0177.0.0.01/', '127.0.0.1', 443],
    ['https://127.1/', '127.0.0.1', 443],
    ['https://127.0.0.1./', '127.0.0.1', 443],
    ['https://１２７.０.０.１/', '127.0.0.1', 443],
    ['https://①②⑦。0。0。1/', '127.0.0.1', 443],
    ['https://[::ffff:127.0.0.1]/', '::ffff:7f00:1', 443],
    ['https://[0:0:0:0:0:0:0:1]:9/', '::1', 9],
    ['https://169.254.169.254.nip.io/', '169.254.169.254.nip.io', 443],
    ['https://%31%32%37.0.0.1/', '127.0.0.1', 443],
  ];
  it.each(hosts)('reads %s as host %s, port %d', (url, host, port) => {
    expect(parseTarget(url)).toMatchObject({ target: { host, port } });
  });

  const refused: [string, string][] = [
    ['ftp://example.com/', 'scheme'],
    ['file:///etc/passwd', 'scheme'],
    ['gopher://example.com', 'scheme'],
    ['javascript:alert(1)', 'scheme'],
    ['https:example.com', 'scheme'],
    ['https:/example.com', 'scheme'],
    ['//example.com', 'scheme'],
    ['example.com', 'scheme'],
    ['', 'scheme'],
    ['https://user:pw@example.com', 'userinfo'],
    ['https://@example.com', 'userinfo'],
    ['https://example.com@127.0.0.1/', 'userinfo'],
    ['https://example.com#@127.0.0.1/', 'fragment'],
    ['https://example.com\\@127.0.0.1/', 'ambiguous_character'],
    ['https://exam\tple.com', 'ambiguous_character'],
    ['https://exam\nple.com', 'ambiguous_character'],
    [' https://example.com', 'ambiguous_character'],
    ['https://example.com\u0000', 'ambiguous_character'],
    ['https://example.com:0/', 'port'],
    ['https://example.com:65536/', 'not_a_url'],
    ['https://', 'not_a_url'],
    ['https://[::1', 'not_a_url'],
    ['https://[fe80::1%25eth0]/', 'not_a_url'],
    ['https://1.2.3.4.5/', 'not_a_url'],
    ['https://256.0.0.1/', 'not_a_url'],
    ['https://a..b/', 'host'],
    ['https://example.com../', 'host'],
    ['https://metadata.google.internal/', 'metadata'],
    ['https://METADATA.google.internal./', 'metadata'],
    ['https://metadata.google。internal/', 'metadata'],
    [`https://example.com/${'a'.repeat(2_048)}`, 'url_too_long'],
  ];
  it.each(refused)('refuses %p: %s', (url, reason) => {
    expect(parseTarget(url)).toEqual({ refused: reason });
  });
});
