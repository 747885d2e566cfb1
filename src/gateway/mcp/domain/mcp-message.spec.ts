import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { elementTexts, readMcpBody } from './mcp-message.js';

const kinds = (text: string): unknown => {
  const body = readMcpBody(text);
  if (body.kind === 'malformed') return body.kind;
  const messages = body.kind === 'single' ? [body.message] : body.messages;
  return messages.map(({ kind, id, method }) => [kind, id, method]);
};

describe('[T3] readMcpBody (JSON-RPC 2.0 §4)', () => {
  it.each<[string, unknown]>([
    [
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{}}}',
      [['request', 1, 'tools/call']],
    ],
    ['{"method":"initialize","id":"a"}', [['request', 'a', 'initialize']]],
    ['{"id":1,"method":"\\u0074ools/call"}', [['request', 1, 'tools/call']]],
    ['{"method":"notifications/initialized"}', [['notification', undefined, 'notifications/initialized']]],
    ['{"id":1,"result":{}}', [['response', 1, 'response']]],
    ['{"id":1,"error":{"code":1,"message":""}}', [['response', 1, 'response']]],
    ['{"id":1,"method":"logging/setLevel"}', [['request', 1, 'logging/setLevel']]],
    [
      '[{"id":1,"method":"ping"},{"id":"1","method":"tools/list"},{"method":"notifications/cancelled"}]',
      [
        ['request', 1, 'ping'],
        ['request', '1', 'tools/list'],
        ['notification', undefined, 'notifications/cancelled'],
      ],
    ],
  ])('reads %s', (text, expected) => {
    expect(kinds(text)).toEqual(expected);
  });

  it.each([
    '',
    'x',
    '[]',
    '"x"',
    'null',
    '{}',
    '\ufeff{"id":1,"method":"ping"}',
    '{"jsonrpc":"1.0","id":1,"method":"ping"}',
    '{"method":1}',
    '{"id":1,"method":"Tools/Call"}',
    '{"id":1,"method":"TOOLS/CALL"}',
    '{"id":1,"method":" tools/call"}',
    '{"id":1,"method":"tools/call\\n"}',
    '{"id":1,"method":"tools\\u2215call"}',
    '{"id":1,"method":"tools/call\\u0000"}',
    '{"id":1,"method":"logging/setlevel"}',
    '{"id":null,"method":"ping"}',
    '{"id":true,"method":"ping"}',
    '{"id":[1],"method":"ping"}',
    '{"id":{"a":1},"method":"ping"}',
    '{"id":1.5,"method":"ping"}',
    '{"id":9007199254740993,"method":"ping"}',
    '{"id":1e400,"method":"ping"}',
    `{"id":"${'x'.repeat(1_025)}","method":"ping"}`,
    '{"id":1,"method":"ping","result":{}}',
    '{"id":1,"method":"ping","params":[]}',
    '{"id":1,"method":"ping","params":"x"}',
    '{"method":"ping","method":"tools/call","params":{"name":"danger"}}',
    '{"id":1,"method":"ping","\\u006dethod":"tools/call"}',
    '{"method":"tools/call","params":{"name":"safe","name":"danger"}}',
    '{"method":"tools/call","params":{"name":"safe","\\u006eame":"danger"}}',
    '{"id":1,"method":"ping","__proto__":{"method":"tools/call"}}',
    '[[{"id":1,"method":"ping"}]]',
    '[{"id":1,"method":"ping"},{"id":1,"method":"tools/list"}]',
    '[{"id":1,"method":"ping"},1]',
    `[${Array.from({ length: 101 }, (_, id) => `{"id":${id},"method":"ping"}`).join(',')}]`,
    `${'['.repeat(65)}${']'.repeat(65)}`,
  ])('refuses %s, which a server might read otherwise', (text) => {
    expect(kinds(text)).toBe('malformed');
  });
});

describe('elementTexts', () => {
  it('cuts any array at its own commas, byte for byte', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { minLength: 1 }), fc.constantFrom(0, 1, 3), (values, indent) => {
        const texts = elementTexts(JSON.stringify(values, undefined, indent));
        expect(texts.map((text) => JSON.parse(text) as unknown)).toEqual(JSON.parse(JSON.stringify(values)));
      }),
    );
  });

  it('keeps numbers that a parser would round', () => {
    expect(elementTexts(' [ {"a":12345678901234567890} , 1.0 ] ')).toEqual(['{"a":12345678901234567890}', '1.0']);
  });
});
