import { describe, expect, it } from '@jest/globals';
import { readMcpCall } from './mcp-call.js';

describe('[T3] readMcpCall', () => {
  it.each([
    [
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{}}}',
      { kind: 'tool', tool: 'echo' },
    ],
    ['{"method":"initialize"}', { kind: 'common', method: 'initialize' }],
    ['{"method":"notifications/initialized"}', { kind: 'common', method: 'notifications/initialized' }],
    ['{"id":1,"result":{}}', { kind: 'common', method: 'response' }],
    ['{"id":1,"method":"resources/read","params":{"uri":"x"}}', { kind: 'other', method: 'resources/read' }],
  ])('reads %s', (body, expected) => {
    expect(readMcpCall(body)).toEqual(expected);
  });

  it.each([
    '',
    '[]',
    '[{"method":"ping"}]',
    '"x"',
    '{}',
    '{"method":1}',
    '{"method":"tools/call"}',
    '{"method":"tools/call","params":[]}',
    '{"method":"tools/call","params":{"name":""}}',
    '{"method":"ping","method":"tools/call","params":{"name":"danger"}}',
    '{"method":"tools/call","params":{"name":"safe","name":"danger"}}',
    '{"method":"tools/call","params":{"name":"safe","\\u006eame":"danger"}}',
  ])('refuses %s, which a server might read otherwise', (body) => {
    expect(readMcpCall(body).kind).toBe('malformed');
  });
});
