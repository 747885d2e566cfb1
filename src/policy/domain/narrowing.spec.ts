import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isSubset, type ScopeSet } from '../../kernel/scopes.js';
import { type Bounds, type Ceiling, type GrantFacts, grantedUntil, heldAt, type Target } from './ceiling.js';
import { narrow } from './narrowing.js';

const NOW = 1_000_000;

function set(...scopes: string[]): ScopeSet {
  return new Set(scopes);
}

function target(identifier: string, ...scopes: string[]): Target {
  return { id: `res_${identifier}`, identifier, scopes: set(...scopes) };
}

function bounds(ceilings: Ceiling[], grants: Record<string, GrantFacts[]> = {}): Bounds {
  return { ceilings, grants: (application, resource) => grants[`${application}@${resource}`] ?? [], now: NOW };
}

const GRANTS: Ceiling = { kind: 'grants', application: 'a', labels: ['ops'] };

describe('narrow', () => {
  const calendar = target('calendar', 'read', 'write', 'admin');
  const mail = target('mail', 'read', 'send');
  const granted = {
    'a@res_calendar': [
      { scopes: set('read') },
      { scopes: set('write'), label: 'ops' },
      { scopes: set('admin'), label: 'root' },
    ],
    'a@res_mail': [{ scopes: set('read', 'send', 'undeclared'), expiresAt: NOW + 1 }],
  };

  it('omitted scope yields everything held', () => {
    expect(narrow({ targets: [calendar] }, bounds([GRANTS], granted))).toEqual({
      ok: true,
      scopes: set('read', 'write'),
    });
  });

  it('an explicit scope is granted as asked, never more', () => {
    expect(narrow({ targets: [calendar], scope: set('write') }, bounds([GRANTS], granted))).toEqual({
      ok: true,
      scopes: set('write'),
    });
  });

  it('[T2] one scope beyond what is held refuses the whole: invalid_scope (RFC 6749 §5.2)', () => {
    const answer = narrow({ targets: [calendar], scope: set('read', 'admin') }, bounds([GRANTS], granted));
    expect(answer).toEqual({ ok: false, code: 'invalid_scope', missing: set('admin') });
  });

  it('[T2] a target where nothing is held is invalid_target, whatever was asked (RFC 8707 §2)', () => {
    const empty = target('empty', 'read');
    expect(narrow({ targets: [empty], scope: set('read') }, bounds([GRANTS], granted))).toMatchObject({
      code: 'invalid_target',
    });
    expect(narrow({ targets: [calendar, empty] }, bounds([GRANTS], granted))).toMatchObject({ code: 'invalid_target' });
    expect(narrow({ targets: [] }, bounds([GRANTS], granted))).toMatchObject({ code: 'invalid_target' });
  });

  it('several targets: each scope must be held at each of them (RFC 8693 §2.1.1)', () => {
    expect(narrow({ targets: [calendar, mail] }, bounds([GRANTS], granted))).toEqual({ ok: true, scopes: set('read') });
    expect(narrow({ targets: [calendar, mail], scope: set('write') }, bounds([GRANTS], granted))).toMatchObject({
      code: 'invalid_scope',
      missing: set('write'),
    });
  });

  it('several targets without a common scope are invalid_target', () => {
    const ceilings: Ceiling[] = [
      {
        kind: 'edge',
        resources: [
          { resource: 'calendar', scopes: set('read') },
          { resource: 'mail', scopes: set('send') },
        ],
      },
    ];
    expect(narrow({ targets: [calendar, mail] }, bounds(ceilings))).toMatchObject({ code: 'invalid_target' });
  });

  const ceilings: [string, Ceiling[], string[]][] = [
    ['no ceiling at all', [], []],
    ['nothing', [GRANTS, { kind: 'nothing' }], []],
    ['a token scope', [GRANTS, { kind: 'scope', scopes: set('read', 'other') }], ['read']],
    [
      'an edge at another resource',
      [GRANTS, { kind: 'edge', resources: [{ resource: 'mail', scopes: set('read') }] }],
      [],
    ],
    [
      'an edge at this resource in two parts',
      [
        GRANTS,
        {
          kind: 'edge',
          resources: [
            { resource: 'calendar', scopes: set('read') },
            { resource: 'calendar', scopes: set('write') },
          ],
        },
      ],
      ['read', 'write'],
    ],
    ['grants of another application', [{ kind: 'grants', application: 'b', labels: ['ops'] }], []],
    ['grants without the label', [{ kind: 'grants', application: 'a', labels: [] }], ['read']],
    [
      'grants with both labels',
      [{ kind: 'grants', application: 'a', labels: ['root', 'ops'] }],
      ['read', 'write', 'admin'],
    ],
  ];
  it.each(ceilings)('[T2] %s bounds what is held', (_name, list, expected) => {
    expect(heldAt(calendar, bounds(list, granted))).toEqual(set(...expected));
  });

  it('[T2] holds nothing the resource does not declare, and nothing after a grant has expired', () => {
    expect(heldAt(mail, bounds([GRANTS], granted))).toEqual(set('read', 'send'));
    expect(heldAt(mail, { ...bounds([GRANTS], granted), now: NOW + 1 })).toEqual(set());
  });

  it('grantedUntil is the first moment at which a scope loses its last grant', () => {
    const grants = {
      'a@res_mail': [
        { scopes: set('read'), expiresAt: NOW + 5 },
        { scopes: set('read', 'send'), expiresAt: NOW + 9 },
      ],
    };
    expect(grantedUntil(mail, set('read'), bounds([GRANTS], grants))).toBe(NOW + 9);
    expect(grantedUntil(mail, set('read', 'send'), bounds([GRANTS], grants))).toBe(NOW + 9);
    expect(grantedUntil(calendar, set('read'), bounds([GRANTS], granted))).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('narrow, for any facts', () => {
  const scopes = fc.subarray(['a', 'b', 'c', 'd', 'e']).map((list) => new Set(list));
  const identifiers = ['x', 'y', 'z'];
  const targets = fc.uniqueArray(
    fc
      .record({ identifier: fc.constantFrom(...identifiers), scopes })
      .map(({ identifier, scopes: declared }) => ({ id: `res_${identifier}`, identifier, scopes: declared })),
    { minLength: 1, maxLength: 3, selector: (item) => item.id },
  );
  const ceiling: fc.Arbitrary<Ceiling> = fc.oneof(
    fc.record({ kind: fc.constant('scope' as const), scopes }),
    fc.record({
      kind: fc.constant('grants' as const),
      application: fc.constantFrom('p', 'q'),
      labels: fc.subarray(['l', 'm']),
    }),
    fc.record({
      kind: fc.constant('edge' as const),
      resources: fc.array(fc.record({ resource: fc.constantFrom(...identifiers), scopes }), { maxLength: 4 }),
    }),
  );
  const grant = fc.record({
    scopes,
    label: fc.option(fc.constantFrom('l', 'm'), { nil: undefined }),
    expiresAt: fc.option(fc.constantFrom(NOW - 1, NOW + 1), { nil: undefined }),
  });
  const grants = fc.dictionary(
    fc.constantFrom('p@res_x', 'p@res_y', 'p@res_z', 'q@res_x', 'q@res_y'),
    fc.array(grant, { maxLength: 3 }),
  );
  const facts = fc
    .record({ ceilings: fc.array(ceiling, { minLength: 1, maxLength: 4 }), table: grants })
    .map(({ ceilings, table }) => bounds(ceilings, table));
  const asked = fc.option(
    scopes.filter((list) => list.size > 0),
    { nil: undefined },
  );

  it('[T2] the result is within the request, the resource and every ceiling', () => {
    fc.assert(
      fc.property(targets, asked, facts, (list, scope, limits) => {
        const answer = narrow({ targets: list, scope }, limits);
        if (!answer.ok) return;
        expect(answer.scopes.size).toBeGreaterThan(0);
        if (scope) expect(answer.scopes).toEqual(scope);
        for (const item of list) {
          expect(isSubset(answer.scopes, item.scopes)).toBe(true);
          for (const one of limits.ceilings)
            expect(isSubset(answer.scopes, heldAt(item, { ...limits, ceilings: [one] }))).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('[T2] one more ceiling never widens', () => {
    fc.assert(
      fc.property(targets, asked, facts, ceiling, (list, scope, limits, extra) => {
        const before = narrow({ targets: list, scope }, limits);
        const after = narrow({ targets: list, scope }, { ...limits, ceilings: [...limits.ceilings, extra] });
        if (after.ok) expect(before.ok && isSubset(after.scopes, before.scopes)).toBe(true);
      }),
    );
  });

  it('the order of targets, ceilings and scopes does not matter', () => {
    fc.assert(
      fc.property(targets, asked, facts, (list, scope, limits) => {
        const reversed = scope && new Set([...scope].reverse());
        const forwards = narrow({ targets: list, scope }, limits);
        const backwards = narrow(
          { targets: [...list].reverse(), scope: reversed },
          { ...limits, ceilings: [...limits.ceilings].reverse() },
        );
        expect(backwards).toEqual(forwards);
      }),
    );
  });

  it('narrowing twice is narrowing once', () => {
    fc.assert(
      fc.property(targets, asked, facts, (list, scope, limits) => {
        const once = narrow({ targets: list, scope }, limits);
        if (!once.ok) return;
        const again: Ceiling = { kind: 'scope', scopes: once.scopes };
        expect(narrow({ targets: list }, { ...limits, ceilings: [...limits.ceilings, again] })).toEqual(once);
      }),
    );
  });
});
