import { createHash, randomBytes } from 'node:crypto';
import { canonicalize } from '../../kernel/canonical-json.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/json.js';

const SALT_BYTES = 16;

/** The arguments that an operation declares, as policies and the ledger see them; undefined when it declares none that they can read. */
export function declaredArguments(args: JsonObject, declared: readonly string[] | undefined): JsonObject | undefined {
  if (declared === undefined || declared.length === 0) return undefined;
  return Object.fromEntries(
    declared.flatMap((name) => (Object.hasOwn(args, name) ? [[name, args[name] ?? null] as const] : [])),
  );
}

/**
 * What the ledger says about all arguments of a call: SHA-256 over the salt and their canonical form (RFC 8785). Whoever has the arguments can show that
 * they are these; whoever has the ledger cannot look them up.
 */
export function argumentsDigest(args: JsonObject): JsonObject {
  const salt = randomBytes(SALT_BYTES);
  const sha256 = createHash('sha256').update(salt).update(canonicalize(args)).digest('base64url');
  return { salt: salt.toString('base64url'), sha256 };
}

/**
 * A recorded decision of policies, saying in the place of arguments which none of could be read that there were some: `{"sha256": …}`. Asked again under
 * policies that read arguments, the ledger cannot tell.
 */
export function withHashedArguments(
  policy: JsonObject | undefined,
  mcp: JsonValue | undefined,
): JsonObject | undefined {
  const sha256 = memberOf(memberOf(mcp, 'arguments'), 'sha256');
  const input = memberOf(policy, 'input');
  const context = memberOf(input, 'context');
  const operation = memberOf(context, 'operation');
  if (sha256 === undefined || !operation || memberOf(operation, 'args') !== undefined) return policy;
  const asked = { ...(operation as JsonObject), args: { sha256 } };
  return { ...policy, input: { ...(input as JsonObject), context: { ...(context as JsonObject), operation: asked } } };
}

function memberOf(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return value !== undefined && isJsonObject(value) ? value[name] : undefined;
}
