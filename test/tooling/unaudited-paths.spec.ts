import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { REPOSITORY } from './planted-tree.js';

const LIST = readFileSync(path.join(REPOSITORY, 'governance/unaudited-paths.md'), 'utf8');
const SOURCES = path.join(REPOSITORY, 'src');

/** What opens something that can write: the doors of `Database`, connections, pools. */
const DOORS =
  /\.(?:withZone|acrossZones|withSystem|querySystem|asJanitor|asAudit)\b|\bauditStatements\b|new (?:DatabaseClient|DataSource|pg\.Pool)\(|\.producers\b/;
const DECISIONS = /\bpolicies\.decide\(/;

/** The files that a section of the list names, in order. */
function named(heading: string): string[] {
  const section = LIST.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^\| `([^`]+\.ts)` \|/gm)].map(([, file]) => file as string);
}

/** The files of the server that say something that matches, in order. */
function saying(pattern: RegExp): string[] {
  return readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
    .map((file) => file.split(path.sep).join('/'))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
    .filter((file) => pattern.test(readFileSync(path.join(SOURCES, file), 'utf8')))
    .sort();
}

describe('governance/unaudited-paths.md', () => {
  it('[T6] names every file that can write past the ledger, and no other', () => {
    expect(named('Doors to the database')).toEqual(saying(DOORS));
  });

  it('[T6] names every file that decides', () => {
    expect(named('Decisions')).toEqual(saying(DECISIONS));
  });

  it('[T6] gives a reason in each row', () => {
    const rows = LIST.split('\n').filter((line) => /^\| `?(?!---|file|request)/.test(line));
    for (const row of rows)
      expect(
        row
          .split('|')
          .slice(2, -1)
          .every((cell) => cell.trim() !== ''),
      ).toBe(true);
    expect(rows.length).toBeGreaterThan(50);
  });
});
