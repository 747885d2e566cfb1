import { HttpException } from '@nestjs/common';
import { AppError, problemStatus, type ProblemCode } from '../../../kernel/app-error.js';
import { OAuthError } from '../../../kernel/oauth-error.js';

/** What the framework refuses by itself, by the status it gives; every other 4xx is a malformed request. */
const BY_STATUS: Readonly<Record<number, { code: ProblemCode; detail: string }>> = {
  404: { code: 'not_found', detail: 'There is nothing here.' },
  405: { code: 'method_not_allowed', detail: 'The method is not allowed here.' },
  413: { code: 'request_too_large', detail: 'The request body is too large.' },
  414: { code: 'not_found', detail: 'There is nothing here.' },
  415: { code: 'unsupported_media_type', detail: 'The media type of the request body is not supported here.' },
  503: { code: 'temporarily_unavailable', detail: 'The server cannot answer now.' },
};

/** No route has the method QUERY (RFC 10008): its media type is judged before that is found, and does not matter. */
const QUERY_WITHOUT_TYPE = 'FST_ERR_ROUTE_MISSING_CONTENT_TYPE';

/**
 * The refusal that an error means at the edge. What is not ours and not the framework's refusal is a `server_error` that says
 * nothing; its cause is kept for the log.
 */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof OAuthError && error.code === 'temporarily_unavailable') {
    return new AppError('temporarily_unavailable', error.description, {
      cause: error,
      retryAfter: error.retryAfter ?? 1,
    });
  }
  const { code, detail } = meaningOf(frameworkStatus(error));
  return new AppError(code, detail, { cause: error });
}

function meaningOf(status: number | undefined): { code: ProblemCode; detail: string } {
  const known = BY_STATUS[status ?? 500];
  if (known) return known;
  const refused = status !== undefined && status >= 400 && status < 500;
  return refused
    ? { code: 'invalid_request', detail: 'The request is malformed.' }
    : { code: 'server_error', detail: 'The server failed to answer.' };
}

/** The answer of an OAuth endpoint to an error (RFC 6749 §5.2). Codes without a counterpart there become `invalid_request`, with their own status. */
export function toOAuthError(error: unknown): OAuthError {
  if (error instanceof OAuthError) return error;
  const { code, publicDetail, retryAfter, quota, detail } = toAppError(error);
  const status = problemStatus(code);
  const kept = {
    status,
    cause: error,
    ...(detail === undefined ? {} : { detail }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...(quota === undefined ? {} : { quota }),
  };
  if (code === 'server_error') return new OAuthError('server_error', publicDetail, kept);
  if (status === 503 || status === 429) return new OAuthError('temporarily_unavailable', publicDetail, kept);
  return new OAuthError(code === 'access_denied' ? 'access_denied' : 'invalid_request', publicDetail, kept);
}

function frameworkStatus(error: unknown): number | undefined {
  if (error instanceof HttpException) return isQueryWithoutType(error.cause) ? 404 : error.getStatus();
  if (!(error instanceof Error) || error.name !== 'FastifyError') return undefined;
  return (error as Error & { statusCode?: number }).statusCode;
}

function isQueryWithoutType(cause: unknown): boolean {
  return cause instanceof Error && (cause as Error & { code?: string }).code === QUERY_WITHOUT_TYPE;
}
