import type { CallQuestion, Permission } from '../call-authority.js';
import { toRefusal } from '../call-ledger.js';
import { GatewayError } from '../domain/gateway-error.js';
import { REFUSED, rpcError, type RpcError } from './domain/batch-answer.js';
import type { McpId, McpMessage } from './domain/mcp-message.js';
import type { McpMember, McpOperation } from './mcp-operation.js';

/** A message of a batch that may be sent. */
export interface AllowedMember {
  readonly member: McpMember;
  readonly question: CallQuestion;
  readonly permission: Permission;
}

export interface RefusedMember {
  readonly member: McpMember;
  readonly refusal: GatewayError;
}

export interface BatchVerdict {
  /** All of them, in their order. */
  readonly messages: readonly McpMessage[];
  readonly allowed: readonly [AllowedMember, ...AllowedMember[]];
  readonly refused: readonly RefusedMember[];
}

/** What a question is asked about. */
export type AskedCall = Pick<McpOperation, 'template' | 'scopes' | 'tool' | 'args'> & {
  readonly mcpMethod?: string | undefined;
};

type Ask = (operation: AskedCall) => CallQuestion;
type Permit = (question: CallQuestion) => Promise<Permission>;

/**
 * Decides on each message of a batch by itself. When none may be sent the batch is refused as a whole, with the challenge of everything that it
 * lacks; a failure to decide is no refusal of a message but of the call.
 */
export async function judgeBatch(members: readonly McpMember[], ask: Ask, permit: Permit): Promise<BatchVerdict> {
  const allowed: AllowedMember[] = [];
  const refused: RefusedMember[] = [];
  for (const member of members) {
    const verdict = await judgeMember(member, ask(member.operation), permit);
    if ('refusal' in verdict) refused.push(verdict);
    else allowed.push(verdict);
  }
  const [first, ...others] = allowed;
  if (!first) throw refusalOfAll(refused);
  return { messages: members.map(({ message }) => message), allowed: [first, ...others], refused };
}

async function judgeMember(
  member: McpMember,
  question: CallQuestion,
  permit: Permit,
): Promise<AllowedMember | RefusedMember> {
  if (member.refusal) return { member, refusal: member.refusal };
  try {
    return { member, question, permission: await permit(question) };
  } catch (error) {
    const refusal = toRefusal(error);
    if (refusal.status !== 403) throw refusal;
    return { member, refusal };
  }
}

function refusalOfAll(refused: readonly RefusedMember[]): GatewayError {
  const lacking = refused.filter(({ refusal }) => refusal.code === 'insufficient_scope');
  const first = (lacking[0] ?? refused[0])?.refusal;
  if (!first) return new GatewayError('invalid_request', { detail: 'an empty batch' });
  const scopes = new Set(lacking.flatMap(({ refusal }) => (refusal.scope ?? '').split(' ')).filter(Boolean));
  const reasons = new Set(refused.flatMap(({ refusal }) => refusal.reasons));
  return new GatewayError(first.code, {
    detail: 'every message of a batch',
    reasons: [...reasons],
    scope: [...scopes].sort().join(' '),
    ...(first.members ? { members: first.members } : {}),
  });
}

/** What is sent of a batch: the very bytes of the messages that may be. */
export function forwardedBatch(body: Buffer, { allowed, refused }: BatchVerdict): Buffer {
  if (refused.length === 0) return body;
  return Buffer.from(`[${allowed.map(({ member }) => member.message.text).join(',')}]`);
}

/** What each refused request is answered in place; `receiptOf` names its ledger entry. */
export function refusedAnswers(
  refused: readonly RefusedMember[],
  receiptOf: (member: RefusedMember) => string | undefined,
): ReadonlyMap<McpId, RpcError> {
  const answers = new Map<McpId, RpcError>();
  for (const one of refused) {
    const { kind, id } = one.member.message;
    if (kind !== 'request' || id === undefined) continue;
    const { code, scope, members } = one.refusal;
    const data = { code, receipt: receiptOf(one), ...(scope ? { scope } : {}), ...members };
    answers.set(id, rpcError(id, REFUSED, code, data));
  }
  return answers;
}
