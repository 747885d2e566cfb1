import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { TokenClaims } from '../../auth/index.js';
import type { Lineage } from '../../policy/index.js';
import { applicationTokenClaims, mandateClaims, type TokenBasis } from './mandate-claims.js';

interface MandateVector {
  readonly name: string;
  readonly audience: string[];
  readonly scopes: string[];
  readonly lineage?: { readonly sessions: string[]; readonly actors: string[]; readonly edges: string[] };
  readonly parents?: TokenClaims[];
  /** Whom an id_token proved. */
  readonly user?: string;
  readonly claims: object;
}

interface Vectors {
  readonly basis: TokenBasis;
  readonly common: object;
  readonly sessions: Record<string, Lineage['current']>;
  readonly application_tokens: { readonly name: string; readonly scope?: string[]; readonly claims: object }[];
  readonly mandates: MandateVector[];
}

const VECTORS = JSON.parse(readFileSync('test/vectors/claims.json', 'utf8')) as Vectors;

function lineageOf({ lineage }: MandateVector): Lineage | undefined {
  if (!lineage) return undefined;
  const sessions = lineage.sessions.map((name) => VECTORS.sessions[name] as Lineage['current']);
  return {
    current: sessions[0] as Lineage['current'],
    root: sessions.at(-1) as Lineage['current'],
    ceilings: [],
    edges: lineage.edges.map((id) => ({ id }) as Lineage['edges'][number]),
    actors: lineage.actors.map((name) => VECTORS.sessions[name] as Lineage['current']),
    sessions,
    gatewayOnly: false,
    endsAt: Number.POSITIVE_INFINITY,
  };
}

describe('claims of what the token endpoint issues (RFC 9068 §2.2, RFC 8693 §4)', () => {
  it.each(VECTORS.application_tokens)('application token $name', ({ scope, claims }) => {
    expect(applicationTokenClaims(VECTORS.basis, scope && new Set(scope))).toEqual({ ...VECTORS.common, ...claims });
  });

  it.each(VECTORS.mandates)('mandate for $name', (vector) => {
    const facts = { audience: vector.audience, scopes: new Set(vector.scopes), parents: vector.parents ?? [] };
    expect(mandateClaims(VECTORS.basis, { ...facts, lineage: lineageOf(vector), user: vector.user })).toEqual({
      ...VECTORS.common,
      ...vector.claims,
    });
  });

  it('[T2] more ancestors than a token can name refuse the request; none is dropped', () => {
    const parent = (count: number) => ({ jti: 'p', ptk: Array.from({ length: count }, (_, index) => `a${index}`) });
    const facts = { audience: ['r'], scopes: new Set(['read']) };
    const eight = mandateClaims(VECTORS.basis, { ...facts, parents: [parent(7) as unknown as TokenClaims] });
    expect(eight.ptk).toHaveLength(8);
    expect(() => mandateClaims(VECTORS.basis, { ...facts, parents: [parent(8) as unknown as TokenClaims] })).toThrow(
      expect.objectContaining({ code: 'invalid_request' }),
    );
  });

  it('an ancestor reached twice counts once', () => {
    const parents = [
      { jti: 's', ptk: ['x'] },
      { jti: 'x', ptk: ['s'] },
    ] as unknown as TokenClaims[];
    expect(mandateClaims(VECTORS.basis, { audience: ['r'], scopes: new Set(['read']), parents }).ptk).toEqual([
      's',
      'x',
    ]);
  });
});
