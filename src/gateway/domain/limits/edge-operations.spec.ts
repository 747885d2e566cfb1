import { describe, expect, it } from '@jest/globals';
import { edgesPermit } from './edge-operations.js';

const call = (method: string, path: string, more: { mcpTool?: string; common?: boolean } = {}) => ({
  method,
  path,
  common: false,
  ...more,
});
const edge = (...operations: readonly ({ method: string; path: string } | { mcpTool: string })[]) => ({ operations });

describe('operations of a delegation', () => {
  const reads = edge({ method: 'GET', path: '/tickets/{id}' }, { method: '*', path: '/drafts/**' });

  it('[T3] allow what one of them matches, and nothing else', () => {
    for (const [method, path] of [
      ['GET', '/tickets/42'],
      ['HEAD', '/tickets/42'],
      ['DELETE', '/drafts/a/b'],
    ] as const)
      expect(edgesPermit([reads], call(method, path))).toBe(true);
    for (const [method, path] of [
      ['POST', '/tickets/42'],
      ['GET', '/tickets'],
      ['GET', '/tickets/42/'],
      ['GET', '/Tickets/42'],
    ] as const)
      expect(edgesPermit([reads], call(method, path))).toBe(false);
  });

  it('[T3] meet along the way: each edge must allow the call', () => {
    const one = edge({ method: 'GET', path: '/tickets/1' });
    expect(edgesPermit([one, reads, {}], call('GET', '/tickets/1'))).toBe(true);
    expect(edgesPermit([one, reads], call('GET', '/tickets/2'))).toBe(false);
    expect(edgesPermit([edge(), {}], call('GET', '/tickets/1'))).toBe(false);
    expect(edgesPermit([], call('GET', '/tickets/1'))).toBe(true);
  });

  it('[T3] name tools, and with one of them what every client does before', () => {
    const tools = edge({ mcpTool: 'search' });
    const mcp = (more: object) => call('POST', '/mcp', more);
    expect(edgesPermit([tools], mcp({ mcpTool: 'search' }))).toBe(true);
    expect(edgesPermit([tools], mcp({ mcpTool: 'delete' }))).toBe(false);
    expect(edgesPermit([tools], mcp({ common: true }))).toBe(true);
    expect(edgesPermit([tools], mcp({}))).toBe(false);
    expect(edgesPermit([reads], mcp({ common: true }))).toBe(false);
  });
});
