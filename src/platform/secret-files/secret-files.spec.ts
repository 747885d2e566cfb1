import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it, expect } from '@jest/globals';
import { createSecretFile, ensurePrivateDirectory, readSecretFile, replaceSecretFile } from './index.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'caracal-secret-files-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function file(name: string, text = 'value\n', mode = 0o600): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

describe('reading a secret file', () => {
  it.each([
    ['value\n', 'value'],
    ['value\r\n', 'value'],
    ['value', 'value'],
    ['two\nlines\n\n', 'two\nlines\n'],
  ])('takes off one line break: %j', (text, expected) => {
    expect(readSecretFile(file('kek', text))).toBe(expected);
  });

  it.each([
    ['a missing file', () => join(dir, 'none'), /no such file/],
    ['a directory', () => dir, /not a regular file/],
    ['an empty file', () => file('kek', '\n'), /empty/],
    ['an over-long file', () => file('kek', 'x'.repeat(64 * 1024 + 1)), /64 KiB/],
    ['a world-readable file', () => file('kek', 'value', 0o604), /readable by every user/],
    ['a world-writable file', () => file('kek', 'value', 0o602), /writable by every user/],
  ])('[T5] refuses %s', (_name, path, message) => {
    expect(() => readSecretFile(path())).toThrow(message);
  });

  it('[T5] refuses a named pipe without waiting for a writer', () => {
    execFileSync('mkfifo', ['-m', '600', join(dir, 'pipe')]);
    expect(() => readSecretFile(join(dir, 'pipe'))).toThrow(/not a regular file/);
  });

  it("follows an orchestrator's links inside the mount", () => {
    mkdirSync(join(dir, '..2024_01_01'));
    file('..2024_01_01/kek');
    symlinkSync('..2024_01_01', join(dir, '..data'));
    symlinkSync('..data/kek', join(dir, 'kek'));
    expect(readSecretFile(join(dir, 'kek'))).toBe('value');
  });

  it('[T5] refuses a link that leaves the mount, and one whose neighbour only looks alike', () => {
    mkdirSync(join(dir, 'mount'));
    mkdirSync(join(dir, 'mount-2'));
    symlinkSync(file('mount-2/kek'), join(dir, 'mount', 'kek'));
    expect(() => readSecretFile(join(dir, 'mount', 'kek'))).toThrow(/leaves its directory/);
  });

  it('shows no content in its refusal', () => {
    expect(() => readSecretFile(file('kek', 'canary', 0o644))).not.toThrow(/canary/);
  });
});

describe('writing a secret file', () => {
  it('creates it with mode 0600 and leaves nothing else behind', () => {
    expect(createSecretFile(join(dir, 'kek'), 'one')).toBe(true);
    expect(statSync(join(dir, 'kek')).mode & 0o777).toBe(0o600);
    expect(readdirSync(dir)).toEqual(['kek']);
  });

  it('keeps what another process created first', () => {
    createSecretFile(join(dir, 'kek'), 'one');
    expect(createSecretFile(join(dir, 'kek'), 'two')).toBe(false);
    expect(readFileSync(join(dir, 'kek'), 'utf8')).toBe('one\n');
    expect(readdirSync(dir)).toEqual(['kek']);
  });

  it('replaces a file, and its mode, when told so', () => {
    file('kek', 'one', 0o644);
    replaceSecretFile(join(dir, 'kek'), 'two');
    expect(readSecretFile(join(dir, 'kek'))).toBe('two');
    expect(readdirSync(dir)).toEqual(['kek']);
  });

  it('makes the directory private, also one that was open', () => {
    mkdirSync(join(dir, 'secrets'), { mode: 0o755 });
    ensurePrivateDirectory(join(dir, 'secrets'));
    expect(statSync(join(dir, 'secrets')).mode & 0o777).toBe(0o700);
  });

  it('refuses a link in place of the directory', () => {
    mkdirSync(join(dir, 'elsewhere'));
    symlinkSync('elsewhere', join(dir, 'secrets'));
    expect(() => ensurePrivateDirectory(join(dir, 'secrets'))).toThrow(/not a directory/);
  });
});
