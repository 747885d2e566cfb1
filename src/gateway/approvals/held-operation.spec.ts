import { describe, expect, it } from '@jest/globals';
import { heldOperation, type BoundCall } from './held-operation.js';

const call: BoundCall = { method: 'POST', path: '/x', template: '/**', query: '' };
const tool = (message: object): BoundCall => ({
  ...call,
  mcpMethod: 'tools/call',
  mcpTool: 'pay',
  body: Buffer.from(JSON.stringify(message)),
});

describe('the operation that people approve', () => {
  it('names method, path and template, and digests of what is nobody’s business', () => {
    expect(heldOperation(call)).toEqual({ method: 'POST', path: '/x', template: '/**' });
    const full = heldOperation({ ...call, query: '?token=secret', body: Buffer.from('secret') });
    expect(full).toMatchObject({ query_digest: expect.any(String), body_digest: expect.any(String) });
    expect(JSON.stringify(full)).not.toContain('secret');
  });

  it('[T2] tells an absent body from an empty one, and every byte apart', () => {
    const digests = [undefined, '', ' ', '{}', '{} '].map((body) =>
      JSON.stringify(heldOperation({ ...call, ...(body === undefined ? {} : { body: Buffer.from(body) }) })),
    );
    expect(new Set(digests).size).toBe(digests.length);
  });

  it('[T2] binds the arguments that policies can read, whatever the resource binds', () => {
    const call = { method: 'POST', path: '/', template: 'mcp:pay', mcpMethod: 'tools/call', mcpTool: 'pay', query: '' };
    const small = heldOperation({ ...call, args: { amount: 1 } });
    expect(small).toMatchObject({ mcp: { method: 'tools/call', tool: 'pay', args: { amount: 1 } } });
    expect(heldOperation({ ...call, args: { amount: 1000 } })).not.toEqual(small);
  });

  it('is the same for an MCP call that only has another id', () => {
    const params = { name: 'pay', arguments: { amount: 1, to: 'x' } };
    const one = heldOperation(tool({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }));
    const reordered = { arguments: { to: 'x', amount: 1 }, name: 'pay', _meta: { progressToken: 7 } };
    expect(heldOperation(tool({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: reordered }))).toEqual(one);
    expect(one).toMatchObject({ mcp: { method: 'tools/call', tool: 'pay' } });
    const more = { ...params, arguments: { amount: 1000, to: 'x' } };
    expect(heldOperation(tool({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: more }))).not.toEqual(one);
  });
});
