import { describe, expect, it } from '@jest/globals';
import { isId } from '../../kernel/ids.js';
import { newId, newUuid } from './index.js';

describe('newId', () => {
  it('makes distinct ids of the kind asked for, sorted by time of creation', () => {
    const ids = Array.from({ length: 20_000 }, () => newId('ses'));
    expect(ids.every((id) => isId('ses', id))).toBe(true);
    expect(new Set(ids).size).toBe(20_000);
    expect([...ids].sort()).toEqual(ids);
  });

  it('newUuid is version 7 (RFC 9562 §5.7)', () => {
    expect(newUuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  });
});
