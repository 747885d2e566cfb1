import { describe, expect, it } from '@jest/globals';
import { OAuthError } from '../../kernel/oauth-error.js';
import { audienceOf, resolveTargets, type TargetResource } from './targets.js';

function resource(slug: string, members: Partial<TargetResource> = {}): TargetResource {
  return {
    id: `res_${slug}`,
    identifier: `https://api.example/${slug}`,
    gatewayUrl: `http://caracal/g/a/${slug}`,
    enforcement: 'gateway',
    scopes: new Set(['read']),
    singleUse: false,
    control: false,
    status: 'active',
    ...members,
  };
}

const ALL = [
  resource('x'),
  resource('y'),
  resource('once', { singleUse: true }),
  resource('direct', { enforcement: 'direct' }),
  resource('gone', { status: 'archived' }),
  resource('control', { enforcement: 'direct', control: true }),
];
const LOOKUP = {
  byTarget: (uri: string) => ALL.find((item) => item.gatewayUrl === uri || item.identifier === uri),
  byIdentifier: (uri: string) => ALL.find((item) => item.identifier === uri),
};

function resolve(resources: string[], audiences: string[] = []): string[] {
  return resolveTargets({ resources, audiences }, LOOKUP).map((item) => item.id);
}

describe('resolveTargets', () => {
  it('finds a resource by gateway URL and by identifier, an audience by identifier (RFC 8707 §2, RFC 8693 §2.1)', () => {
    expect(resolve(['http://caracal/g/a/x'])).toEqual(['res_x']);
    expect(resolve(['https://api.example/x'])).toEqual(['res_x']);
    expect(resolve([], ['https://api.example/x'])).toEqual(['res_x']);
  });

  it('counts one resource named twice once', () => {
    expect(resolve(['http://caracal/g/a/once', 'https://api.example/once'], ['https://api.example/once'])).toEqual([
      'res_once',
    ]);
  });

  it.each(['HTTP://CARACAL/g/a/x', 'http://caracal/g/a/x/'])(
    'takes %s for the same resource, as MCP clients write it',
    (uri) => {
      expect(resolve([uri])).toEqual(['res_x']);
    },
  );

  it('several gateway resources share one token', () => {
    expect(resolve(['http://caracal/g/a/x', 'http://caracal/g/a/y'])).toEqual(['res_x', 'res_y']);
  });

  const refused: [string, string[], string[]][] = [
    ['nothing', [], []],
    ['an unknown resource', ['https://api.example/z'], []],
    ['an archived resource', ['https://api.example/gone'], []],
    ['a fragment', ['https://api.example/x#frag'], []],
    ['an empty fragment', ['https://api.example/x#'], []],
    ['a relative reference', ['/g/a/x'], []],
    ['a bare name as resource', ['x'], []],
    ['a path in another case', ['https://api.example/X'], []],
    ['an unknown audience', [], ['x']],
    ['a gateway URL as audience', [], ['http://caracal/g/a/x']],
    ['one known and one unknown', ['https://api.example/x', 'https://api.example/z'], []],
    ['a direct resource beside another', ['https://api.example/x', 'https://api.example/direct'], []],
    ['the control resource beside another', ['https://api.example/x', 'https://api.example/control'], []],
    ['a single-use resource beside another', ['https://api.example/x'], ['https://api.example/once']],
  ];
  it.each(refused)('[T2] refuses %s with invalid_target', (_name, resources, audiences) => {
    expect(() => resolve(resources, audiences)).toThrow(OAuthError);
    expect(() => resolve(resources, audiences)).toThrow(expect.objectContaining({ code: 'invalid_target' }));
  });

  it('the audience is the gateway URL, or the identifier of a resource that verifies for itself', () => {
    expect(audienceOf(resource('x'))).toBe('http://caracal/g/a/x');
    expect(audienceOf(resource('x', { enforcement: 'direct' }))).toBe('https://api.example/x');
  });
});
