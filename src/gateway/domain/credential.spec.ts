import { describe, expect, it } from '@jest/globals';
import { staticCredential } from './credential.js';

describe('staticCredential', () => {
  it.each([
    ['none', {}, {}, { secrets: [] }],
    [
      'api_key',
      { in: 'header', name: 'X-Key' },
      { value: 'k' },
      { header: { name: 'X-Key', value: 'k' }, secrets: ['k'] },
    ],
    [
      'api_key',
      { in: 'header', name: 'Authorization', prefix: 'Token ' },
      { value: 'k' },
      { header: { name: 'Authorization', value: 'Token k' }, secrets: ['k'] },
    ],
    [
      'api_key',
      { in: 'query', name: 'key' },
      { value: 'k&' },
      { query: { name: 'key', value: 'k&' }, secrets: ['k&'] },
    ],
    ['bearer', {}, { token: 't' }, { header: { name: 'authorization', value: 'Bearer t' }, secrets: ['t'] }],
    [
      'bearer',
      { header: 'PRIVATE-TOKEN', scheme: '' },
      { token: 't' },
      { header: { name: 'PRIVATE-TOKEN', value: 't' }, secrets: ['t'] },
    ],
    [
      'bearer',
      { scheme: 'token' },
      { token: 't' },
      { header: { name: 'authorization', value: 'token t' }, secrets: ['t'] },
    ],
    [
      'basic',
      { username: 'u' },
      { password: 'p' },
      { header: { name: 'authorization', value: 'Basic dTpw' }, secrets: ['p', 'dTpw'] },
    ],
  ])('%s %j %j', (kind, config, secret, credential) => {
    expect(staticCredential(kind, config, secret)).toEqual({ credential });
  });

  it.each([
    ['api_key', { in: 'header', name: 'X-Key' }, {}],
    ['api_key', { in: 'header' }, { value: 'k' }],
    ['api_key', { in: 'header', name: 'X Key' }, { value: 'k' }],
    ['api_key', { in: 'header', name: 'X-Key' }, { value: 'k\r\nX: y' }],
    ['api_key', { in: 'header', name: 'X-Key' }, { value: 'é' }],
    ['bearer', {}, {}],
    ['bearer', {}, { token: '' }],
    ['basic', { username: 'a:b' }, { password: 'p' }],
    ['basic', { username: 'u' }, {}],
    ['mandate', {}, {}],
    ['unheard_of', {}, {}],
  ])('[T3] %s %j %j is unavailable, so nothing is sent without it', (kind, config, secret) => {
    expect(staticCredential(kind, config, secret)).toHaveProperty('unavailable');
  });
});
