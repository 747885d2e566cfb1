import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../../kernel/json.js';
import { argumentFaults, sortArguments } from './arguments.js';
import type { CommandInputs } from './command.js';

const inputs: CommandInputs = {
  path: ['id'],
  query: ['limit'],
  body: ['name', 'deep'],
  conditional: true,
  zoneName: 'zone',
};
const sound: JsonObject = { id: 'app_1', limit: 5, name: 'x', if_match: '"1"' };

describe('[T9] arguments of commands', () => {
  it('go where the use case takes them', () => {
    expect(argumentFaults(sound, inputs)).toEqual([]);
    expect(sortArguments(sound, inputs, 'acme')).toEqual({
      params: { id: 'app_1', zone: 'acme' },
      query: { limit: '5' },
      body: { name: 'x' },
      headers: { 'if-match': '"1"' },
    });
  });

  it.each<[string, JsonObject, string]>([
    ['an unknown one', { ...sound, nonsense: 1 }, 'args.nonsense'],
    ['a missing path member', { name: 'x', if_match: '*' }, 'args.id'],
    ['an empty path member', { ...sound, id: '' }, 'args.id'],
    ['a path member that is no text', { ...sound, id: 7 }, 'args.id'],
    ['a missing condition', { id: 'app_1' }, 'args.if_match'],
    ['a list in the query', { ...sound, limit: [1] }, 'args.limit'],
    ['a long text', { ...sound, name: 'é'.repeat(4_097) }, 'args.name'],
    ['a long text within', { ...sound, deep: { a: ['x'.repeat(8_193)] } }, 'args.deep'],
    ['a long name within', { ...sound, deep: { ['x'.repeat(8_193)]: 1 } }, 'args.deep'],
    ['too many', Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`a${n}`, 1])), 'args'],
    ['the zone, which is the token’s', { ...sound, zone: 'other' }, 'args.zone'],
  ])('are refused: %s', (_, args, field) => {
    expect(argumentFaults(args, inputs).map((fault) => fault.field)).toEqual([field]);
  });
});
