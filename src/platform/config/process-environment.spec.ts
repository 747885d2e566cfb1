import { describe, it, expect } from '@jest/globals';
import { takeEnvironment } from './index.js';

describe('taking the environment', () => {
  it('[T5] clears it of secrets and of the files that name them', () => {
    Object.assign(process.env, { KEK: 'a', ADMIN_TOKEN_FILE: 'b', DATABASE_MIGRATE_URL: 'c', CARACAL_SPEC_OTHER: 'd' });
    const env = takeEnvironment();
    expect(env).toMatchObject({ KEK: 'a', ADMIN_TOKEN_FILE: 'b', DATABASE_MIGRATE_URL: 'c', CARACAL_SPEC_OTHER: 'd' });
    expect(Object.keys(process.env)).not.toEqual(expect.arrayContaining(['KEK']));
    expect(process.env['ADMIN_TOKEN_FILE']).toBeUndefined();
    expect(process.env['DATABASE_MIGRATE_URL']).toBeUndefined();
    expect(process.env['CARACAL_SPEC_OTHER']).toBe('d');
    delete process.env['CARACAL_SPEC_OTHER'];
  });
});
