import { beforeEach, describe, expect, it } from '@jest/globals';
import { RemoteKeys } from './remote-keys.js';

const URL = 'https://agent.example/jwks.json';

describe('keys that others publish', () => {
  let now: number;
  let fetched: number;
  let answer: () => { status: number; body: string };
  let keys: RemoteKeys;

  beforeEach(() => {
    now = 0;
    fetched = 0;
    answer = () => ({ status: 200, body: '{"keys":[{"kty":"EC","kid":"a"}]}' });
    const fetchKeySet = () => {
      fetched += 1;
      const { status, body } = answer();
      return Promise.resolve({ status, body: Buffer.from(body) });
    };
    keys = new RemoteKeys(fetchKeySet, () => now);
  });

  const any = (): boolean => true;
  const none = (): boolean => false;

  it('are fetched once for everybody who asks meanwhile, and kept', async () => {
    const asked = await Promise.all(Array.from({ length: 50 }, () => keys.at(URL, any)));
    expect([fetched, asked.every((found) => found?.length === 1)]).toEqual([1, true]);
    await keys.at(URL, any);
    expect(fetched).toBe(1);
    now = 300_000;
    await keys.at(URL, any);
    expect(fetched).toBe(2);
  });

  it('[T8] are fetched early for an unknown key, at most once per interval', async () => {
    await keys.at(URL, any);
    for (let attempt = 0; attempt < 20; attempt += 1) await keys.at(URL, none);
    expect(fetched).toBe(2);
    now = 29_999;
    for (let attempt = 0; attempt < 20; attempt += 1) await keys.at(URL, none);
    expect(fetched).toBe(2);
    now = 30_000;
    await Promise.all(Array.from({ length: 20 }, () => keys.at(URL, none)));
    expect(fetched).toBe(3);
  });

  it('of a rotation right after the first look are found', async () => {
    await keys.at(URL, any);
    answer = () => ({ status: 200, body: '{"keys":[{"kty":"EC","kid":"b"}]}' });
    const isNew = (held: readonly { readonly [member: string]: unknown }[]): boolean =>
      held.some((key) => key['kid'] === 'b');
    expect(await keys.at(URL, isNew)).toEqual([{ kty: 'EC', kid: 'b' }]);
  });

  it('[T8] that cannot be had are not asked for again within the interval', async () => {
    answer = () => {
      throw new Error('down');
    };
    for (let attempt = 0; attempt < 20; attempt += 1) expect(await keys.at(URL, any)).toBeUndefined();
    expect(fetched).toBe(1);
  });

  it('survive an outage of the place for an hour, no longer', async () => {
    await keys.at(URL, any);
    answer = () => ({ status: 503, body: '' });
    now = 3_599_000;
    expect(await keys.at(URL, any)).toHaveLength(1);
    now = 3_700_000;
    expect(await keys.at(URL, any)).toBeUndefined();
  });

  it.each<[string, number, string]>([
    ['a redirect', 302, '{"keys":[{"kty":"EC"}]}'],
    ['an error', 500, '{"keys":[{"kty":"EC"}]}'],
    ['no JSON', 200, '<html>'],
    ['no key set', 200, '[]'],
    ['a private key', 200, '{"keys":[{"kty":"EC","d":"x"}]}'],
    ['a symmetric key', 200, '{"keys":[{"kty":"oct","k":"x"}]}'],
    ['duplicate members', 200, '{"keys":[],"keys":[{"kty":"EC"}]}'],
    ['too many keys', 200, JSON.stringify({ keys: Array.from({ length: 33 }, () => ({ kty: 'EC' })) })],
  ])('[T2] are none in an answer with %s', async (_name, status, body) => {
    answer = () => ({ status, body });
    expect(await keys.at(URL, any)).toBeUndefined();
  });
});
