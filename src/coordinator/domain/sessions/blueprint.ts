import type { ApplicationView } from '../../../control/index.js';
import { AppError } from '../../../kernel/app-error.js';
import type { StartRequest } from './new-session.js';

type Blueprint = ApplicationView['blueprint'];

/** A start as it was asked for: labels that are left out are not the same as none. */
export type AskedStart = Omit<StartRequest, 'labels'> & { readonly labels?: readonly string[] | undefined };

/**
 * The start with what its application's blueprint says where nothing was asked for. Labels are a root's only: a child never gets any that it
 * was not given. The caller still checks everything, as if it had been asked for. Throws `authority_exceeded` for more calls than any session may make.
 */
export function withBlueprint(asked: AskedStart, blueprint: Blueprint, hasParent: boolean): StartRequest {
  const { lifecycle } = asked;
  return {
    ...asked,
    labels: asked.labels ?? (hasParent ? [] : (blueprint.labels ?? [])),
    maxCalls: callsOf(asked, blueprint),
    leaseSeconds: asked.leaseSeconds ?? (lifecycle === 'service' ? blueprint.lease_seconds : undefined),
  };
}

function callsOf({ maxCalls }: AskedStart, { max_calls: most }: Blueprint): number | undefined {
  if (most !== undefined && maxCalls !== undefined && maxCalls > most)
    throw new AppError('authority_exceeded', `A session of this application may make at most ${most} calls.`);
  return maxCalls ?? most;
}

/** When a session that starts now ends at the latest, in milliseconds; Infinity without a longest life. */
export function longestLife({ max_ttl_seconds: most }: Blueprint, now: number): number {
  return most === undefined ? Number.POSITIVE_INFINITY : now + most * 1000;
}
