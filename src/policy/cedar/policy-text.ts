import { createHash } from 'node:crypto';
import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { ApprovalRule, ApproverClass } from '../domain/policy-set.js';
import { DEPTH_RULE, tooDeepAt } from './expression-depth.js';

/** A fault of a policy text, where it stands: line and column from 1. */
export interface PolicyFault {
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

/** One policy of a text. */
export interface PolicyPart {
  readonly id: string;
  readonly text: string;
  /** Present on a forbid that asks for an approval instead of refusing. */
  readonly approval: ApprovalRule | undefined;
}

const CLASSES: ReadonlySet<string> = new Set(['operator', 'subject', 'any']);
const MOST_APPROVERS = 9;
const QUORUM = /^[1-9]$/;
const ACTION = /Action::"[^"]*"/g;

/** Thrown with every fault that was found. */
export class PolicyTextError extends Error {
  override readonly name = 'PolicyTextError';

  constructor(readonly faults: readonly PolicyFault[]) {
    super(faults.map((fault) => `${fault.line}:${fault.column} ${fault.message}`).join('; '));
  }
}

/** Splits a text into its policies, named `<id>` when it is one and `<id>#<n>` (from 1) when it is several. Throws {@link PolicyTextError}. */
export function policyParts(id: string, text: string): PolicyPart[] {
  const answer = cedar.policySetTextToParts(text);
  if (answer.type === 'failure') throw new PolicyTextError(answer.errors.map((error) => faultAt(text, error)));
  if (answer.policy_templates.length > 0)
    throw new PolicyTextError([{ message: 'templates are not supported', line: 1, column: 1 }]);
  if (answer.policies.length === 0)
    throw new PolicyTextError([{ message: 'the text holds no policy', line: 1, column: 1 }]);
  const inOrder = [...answer.policies].sort((a, b) => text.indexOf(a) - text.indexOf(b));
  return inOrder.map((part, at) => partOf(inOrder.length === 1 ? id : `${id}#${at + 1}`, part, text));
}

/** Validates a text strictly against a zone's schema; no fault means that it may be activated. */
export function validateText(text: string, schema: cedar.SchemaJson<string>): PolicyFault[] {
  const deep = tooDeepAt(text);
  if (deep !== undefined) return [{ message: DEPTH_RULE, ...positionOf(text, deep) }];
  try {
    policyParts('policy', text);
  } catch (error) {
    if (error instanceof PolicyTextError) return [...error.faults];
    throw error;
  }
  const answer = cedar.validate({ schema, policies: { staticPolicies: text }, validationSettings: { mode: 'strict' } });
  if (answer.type === 'failure') return answer.errors.map((error) => faultAt(text, error));
  return onePerPlace(answer.validationErrors.map(({ error }) => faultAt(text, error)));
}

/** The engine names a fault once for each action that it concerns; where it stands, it is one. */
function onePerPlace(faults: readonly PolicyFault[]): PolicyFault[] {
  const places = new Map<string, PolicyFault[]>();
  for (const fault of faults) {
    const place = JSON.stringify([fault.line, fault.column, fault.message.replaceAll(ACTION, '')]);
    places.set(place, [...(places.get(place) ?? []), fault]);
  }
  return [...places.values()].map(([first, ...more]) => {
    const { message, ...position } = first as PolicyFault;
    return {
      message: more.length === 0 ? message : message.replaceAll(ACTION, `${more.length + 1} actions`),
      ...position,
    };
  });
}

function partOf(id: string, part: string, text: string): PolicyPart {
  const parsed = cedar.policyToJson(part);
  if (parsed.type === 'failure') throw new PolicyTextError(parsed.errors.map((error) => faultAt(text, error)));
  const annotations = parsed.json.annotations ?? {};
  const { approval, quorum } = annotations;
  if (!('approval' in annotations) && !('quorum' in annotations)) return { id, text: part, approval: undefined };
  const fault = annotationFault(parsed.json.effect, annotations);
  if (fault !== undefined)
    throw new PolicyTextError([{ message: fault, ...positionOf(text, Math.max(0, text.indexOf(part))) }]);
  const rule = createHash('sha256').update(part, 'utf8').digest('hex');
  return { id, text: part, approval: { rule, approverClass: approval as ApproverClass, quorum: Number(quorum ?? 1) } };
}

/** One subject is one person, so a rule that asks the subject can never have a larger quorum. */
function annotationFault(effect: string, annotations: Readonly<Record<string, string | null>>): string | undefined {
  if (!('approval' in annotations)) return '@quorum is allowed beside @approval only';
  const { approval, quorum = '1' } = annotations;
  if (effect !== 'forbid') return '@approval is allowed on forbid only';
  if (!CLASSES.has(approval ?? '')) return '@approval takes "operator", "subject" or "any"';
  if (!QUORUM.test(quorum ?? '')) return `@quorum takes a number from "1" to "${MOST_APPROVERS}"`;
  return approval === 'subject' && quorum !== '1' ? 'a subject approves alone: @quorum must be "1"' : undefined;
}

function faultAt(text: string, error: cedar.DetailedError): PolicyFault {
  const message = [error.message.replace(/^for policy `[^`]*`, /, ''), error.help].filter(Boolean).join('; ');
  return { message, ...positionOf(text, byteToIndex(text, error.sourceLocations?.[0]?.start ?? 0)) };
}

/** The engine counts bytes of UTF-8. */
function byteToIndex(text: string, bytes: number): number {
  return Buffer.from(text, 'utf8').subarray(0, bytes).toString('utf8').length;
}

function positionOf(text: string, index: number): { line: number; column: number } {
  const before = text.slice(0, index).split('\n');
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
}
