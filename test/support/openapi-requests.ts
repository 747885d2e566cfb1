import fc from 'fast-check';
import type { Description, Operation, Schema } from './openapi.js';

/** One request to an operation, sound or not. */
export interface OpenApiRequest {
  readonly body: unknown;
  /** Path parameters in the place of real ones. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
}

const ODD_TEXTS = [
  '',
  ' ',
  '\u202e',
  'ÿ'.repeat(40),
  '../../etc/passwd',
  "' OR 1=1 --",
  '💥',
  '%00',
  'a'.repeat(5_000),
  '{}',
  'null',
];
const SOUND_TEXTS = ['a', 'https://x.example/', 'read', 'GET', '/**'];
const DEEPEST = 5;
const ODD: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, -1, 0, 1e21, 3.5, [], {}, [[[]]], { a: { b: [1] } }),
  fc.constantFrom(...ODD_TEXTS),
);
const HEADERS: readonly Readonly<Record<string, string>>[] = [
  {},
  { 'if-match': '*' },
  { 'if-match': '"1"' },
  { 'idempotency-key': '"k"' },
  { 'idempotency-key': 'bare' },
];

/** Requests made of what an operation describes, with now and then something that it does not. */
export function requestTo(operation: Operation, api: Description): fc.Arbitrary<OpenApiRequest> {
  return fc.record({
    body: bodyOf(operation, new Values(api)),
    parameters: oddParameters(operation),
    query: queryOf(operation),
    headers: fc.constantFrom(...HEADERS),
  });
}

function bodyOf({ method, body }: Operation, values: Values): fc.Arbitrary<unknown> {
  if (method === 'GET' || method === 'DELETE') return fc.constant(undefined);
  if (!body) return fc.constant({});
  return fc.oneof({ weight: 3, arbitrary: values.of(body, 0) }, { weight: 1, arbitrary: ODD });
}

/** The first parameter is the zone; it stays. */
function oddParameters({ path, parameters }: Operation): fc.Arbitrary<Record<string, string>> {
  const zoned = /^\/(?:v1\/zones|z)\/\{/.test(path) ? 1 : 0;
  const named = parameters.filter((one) => one.in === 'path').slice(zoned);
  const odd = named.map(({ name }) => [name, fc.constantFrom(...ODD_TEXTS.slice(1, 8))] as const);
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant<Record<string, string>>({}) },
    { weight: 1, arbitrary: fc.record(Object.fromEntries(odd)) },
  );
}

function queryOf({ parameters }: Operation): fc.Arbitrary<string> {
  const known = parameters.filter((one) => one.in === 'query').map(({ name }) => name);
  const pair = fc.tuple(
    fc.constantFrom(...known, 'limit', 'cursor', 'x'),
    fc.constantFrom('', '-1', '2', 'a b', '💥', 'null'),
  );
  const written = pair.map(([name, value]) => `?${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
  return fc.oneof(fc.constant(''), written);
}

class Values {
  constructor(private readonly api: Description) {}

  /** A value of the schema, or now and then one that is none. */
  of(schema: Schema, depth: number): fc.Arbitrary<unknown> {
    const sound = this.sound(this.api.resolve(schema), depth + 1);
    return fc.oneof({ weight: 6, arbitrary: sound }, { weight: 1, arbitrary: ODD });
  }

  private sound(schema: Schema, depth: number): fc.Arbitrary<unknown> {
    const choices = schema.anyOf ?? schema.oneOf;
    if (choices) return fc.oneof(...choices.map((choice) => this.of(choice, depth)));
    if (schema.enum) return fc.constantFrom(...schema.enum);
    if (depth > DEEPEST) return ODD;
    if (schema.properties) return this.object(schema, schema.properties, depth);
    if (schema.type === 'array') return fc.array(schema.items ? this.of(schema.items, depth) : ODD, { maxLength: 4 });
    return plain(schema);
  }

  private object(
    { required = [] }: Schema,
    properties: Readonly<Record<string, Schema>>,
    depth: number,
  ): fc.Arbitrary<unknown> {
    const members = Object.entries(properties).map(([name, member]) => [name, this.of(member, depth)] as const);
    const requiredKeys = required.filter((name) => name in properties);
    return fc.record(Object.fromEntries(members), { requiredKeys });
  }
}

function plain({ type, minimum = -5, maximum = 1e9 }: Schema): fc.Arbitrary<unknown> {
  if (type === 'string') return fc.oneof(fc.string({ maxLength: 40 }), fc.constantFrom(...SOUND_TEXTS, ...ODD_TEXTS));
  if (type === 'boolean') return fc.boolean();
  if (type === 'integer' || type === 'number')
    return fc.integer({ min: minimum - 1, max: Math.min(maximum + 1, 2 ** 31) });
  return fc.oneof(ODD, fc.dictionary(fc.constantFrom('a', 'name', 'in', 'value', 'type'), ODD, { maxKeys: 3 }));
}

type Path = readonly string[];

const DEEPEST_MEMBER = 4;
/** Values that JSON allows and that databases, dates and libraries stumble over. */
const ODD_MEMBERS: readonly unknown[] = [null, 'a\0b', [[]], 9_300_000_000_000_000_000, 1e-7];

/** An example with one member after the other, however deep, replaced by values that are odd. */
export function* bodiesWithOddMembers(schema: Schema, example: unknown, api: Description): Generator<unknown> {
  const paths = new Map([...membersOf(schema, api, [])].map((path) => [path.join('.'), path]));
  for (const path of paths.values()) for (const odd of ODD_MEMBERS) yield withMember(example, path, odd);
}

/** Where a body of this schema has members; the first item stands for all of a list. */
function* membersOf(schema: Schema, api: Description, at: Path): Generator<Path> {
  if (at.length >= DEEPEST_MEMBER) return;
  const { properties = {}, items, anyOf = [], oneOf = [] } = api.resolve(schema);
  const members = [...Object.entries(properties), ...(items ? [['0', items] as const] : [])];
  for (const [name, member] of members) {
    yield [...at, name];
    yield* membersOf(member, api, [...at, name]);
  }
  for (const choice of [...anyOf, ...oneOf]) yield* membersOf(choice, api, at);
}

function withMember(value: unknown, [name, ...rest]: Path, odd: unknown): unknown {
  if (name === undefined) return odd;
  if (name === '0') return [withMember((value as unknown[] | undefined)?.[0], rest, odd)];
  const there = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  return { ...there, [name]: withMember(there[name], rest, odd) };
}
