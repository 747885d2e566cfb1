import { describe, expect, it } from '@jest/globals';
import { gateFault, type GateFileStat } from './gate-file.js';

const OWN = 1000;
const sound: GateFileStat = { regular: true, mode: 0o600, owner: OWN };

describe('[T9] the gate file', () => {
  it.each<[string, GateFileStat]>([
    ['of the process itself', sound],
    ['of root', { ...sound, owner: 0 }],
    ['that everyone may read', { ...sound, mode: 0o644 }],
    ['that its owner may not even write', { ...sound, mode: 0o400 }],
  ])('opens the endpoint: a file %s', (_, stat) => {
    expect(gateFault(stat, OWN)).toBeUndefined();
  });

  it.each<[string, GateFileStat | undefined]>([
    ['that is missing', undefined],
    ['that is a directory, a fifo or a link', { ...sound, regular: false }],
    ['that its group may write', { ...sound, mode: 0o620 }],
    ['that the world may write', { ...sound, mode: 0o602 }],
    ['of somebody else', { ...sound, owner: OWN + 1 }],
  ])('keeps the endpoint shut: a file %s', (_, stat) => {
    expect(gateFault(stat, OWN)).toBeDefined();
  });

  it('belongs to root where the system knows no users', () => {
    expect(gateFault(sound, undefined)).toBeDefined();
    expect(gateFault({ ...sound, owner: 0 }, undefined)).toBeUndefined();
  });
});
