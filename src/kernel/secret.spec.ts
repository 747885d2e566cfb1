import { inspect } from 'node:util';
import { describe, it, expect } from '@jest/globals';
import { Secret } from './secret.js';

describe('Secret', () => {
  const secret = new Secret('correct horse');

  it('reveals its value only when asked', () => {
    expect(secret.reveal()).toBe('correct horse');
  });

  it.each([
    ['a template string', () => `${String(secret)}`],
    ['JSON', () => JSON.stringify({ secret })],
    ['the inspector', () => inspect({ secret }, { depth: 9, showHidden: true })],
    ['its own keys', () => JSON.stringify(Object.entries(secret))],
    ['a copy of its properties', () => inspect({ ...secret })],
    ['a concatenation', () => 'value: ' + String(secret)],
  ])('[T5] is not shown by %s', (_name, show) => {
    expect(show()).not.toContain('correct');
  });
});
