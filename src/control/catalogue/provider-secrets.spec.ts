import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { Envelope, SealError } from '../../platform/secrets/index.js';
import { ProviderSecrets } from './provider-secrets.js';

class CountingEnvelope extends Envelope {
  opened = 0;

  override open(...args: Parameters<Envelope['open']>): Buffer {
    this.opened += 1;
    return super.open(...args);
  }
}

const envelope = new CountingEnvelope([randomBytes(32)]);
const secrets = new ProviderSecrets(envelope);
const sealed = secrets.seal('acme', 'prv_1', 1, { token: 'canary' });

describe("providers' secrets", () => {
  it('[T5] are not readable where they are stored', () => {
    expect(sealed.toString('latin1')).not.toContain('canary');
  });

  it('are opened once per version', () => {
    const provider = { id: 'prv_1', sealed, secretVersion: 1 };
    envelope.opened = 0;
    expect(secrets.open('acme', provider)).toEqual({ token: 'canary' });
    expect(secrets.open('acme', provider)).toEqual({ token: 'canary' });
    expect(envelope.opened).toBe(1);
    const next = secrets.seal('acme', 'prv_1', 2, { token: 'new' });
    expect(secrets.open('acme', { id: 'prv_1', sealed: next, secretVersion: 2 })).toEqual({ token: 'new' });
    expect(envelope.opened).toBe(2);
  });

  it.each([
    ['another provider', 'acme', { id: 'prv_2', sealed, secretVersion: 1 }],
    ['another zone', 'other', { id: 'prv_1', sealed, secretVersion: 1 }],
    ['another version', 'acme', { id: 'prv_1', sealed, secretVersion: 9 }],
  ])('[T5] do not open for %s', (_, zone, provider) => {
    expect(() => secrets.open(zone, provider)).toThrow(SealError);
  });

  it('are empty for a kind without one', () => {
    expect(secrets.open('acme', { id: 'prv_3', secretVersion: 1 })).toEqual({});
  });
});
