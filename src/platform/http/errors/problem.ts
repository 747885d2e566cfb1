import { problemStatus, type AppError, type ProblemCode } from '../../../kernel/app-error.js';
import type { JsonObject } from '../../../kernel/json.js';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json; charset=utf-8';

/** The parts of a problem document that its code alone does not give. */
export interface ProblemParts {
  readonly code: string;
  readonly status: number;
  readonly detail: string;
  readonly requestId: string;
  readonly members?: JsonObject | undefined;
}

/** A short text per code that does not change from occurrence to occurrence (RFC 9457 §3.1.4). */
export function problemTitle(code: string): string {
  const words = code.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A problem document (RFC 9457 §3): `type` is the code's entry in the registry that the server itself publishes. */
export function problemDocument(base: string, parts: ProblemParts): JsonObject {
  return {
    ...parts.members,
    type: `${base}/problems/${parts.code}`,
    title: problemTitle(parts.code),
    status: parts.status,
    detail: parts.detail,
    instance: parts.requestId,
    code: parts.code,
  };
}

/** The problem document of a refusal. The error's `detail` and `cause` are for the log and are not in it. */
export function problemOf(base: string, error: AppError, requestId: string): JsonObject {
  const faults = error.errors?.map(({ field, message }) => ({ field, message }));
  const members = { ...error.members, ...(faults ? { errors: faults } : {}) };
  return problemDocument(base, { ...statusAndCode(error.code), detail: error.publicDetail, requestId, members });
}

function statusAndCode(code: ProblemCode): { code: string; status: number } {
  return { code, status: problemStatus(code) };
}
