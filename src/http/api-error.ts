import type { FailureCode } from "../errors.ts";

/** A response that is not a success, or a request without a response. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** The HTTP status, or 0 if there is no complete response. */
  readonly status: number;
  /** The `reason` of the Status object, or an error code such as `ECONNREFUSED`. */
  readonly reason: string;
  /** The number of seconds to wait, if the server asks for a delay. */
  readonly retryAfter: number | undefined;
  /** The token with which a list can be continued after a 410. */
  readonly continueToken: string | undefined;
  /** True if an earlier attempt of the same request had no answer: it may have taken effect. */
  readonly afterLostAnswer: boolean;

  constructor(
    message: string,
    facts: {
      readonly status: number;
      readonly reason: string;
      readonly retryAfter?: number | undefined;
      readonly continueToken?: string | undefined;
      readonly afterLostAnswer?: boolean;
    },
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.status = facts.status;
    this.reason = facts.reason;
    this.retryAfter = facts.retryAfter;
    this.continueToken = facts.continueToken;
    this.afterLostAnswer = facts.afterLostAnswer ?? false;
  }
}

/**
 * True if RBAC rejected the request. Admission, quota and PodSecurity also answer 403, but without
 * the text `cannot VERB resource`.
 */
export function isForbidden(error: unknown): boolean {
  return (
    error instanceof ApiError && error.status === 403 && / cannot \S+ resource /.test(error.message)
  );
}

/** True if the API server does not accept the login, or if there are no credentials any more. */
export function isUnauthorized(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 401 || error.reason === NO_CREDENTIALS);
}

/** The reason of a request that was not sent because its credentials could not be loaded. */
export const NO_CREDENTIALS = "credentials";

/**
 * True if the API server, an admission plugin or a webhook rejected the content of a request, so that
 * nothing was changed. RBAC and conflicts are not rejections.
 */
export function isRejected(error: unknown): boolean {
  if (!(error instanceof ApiError) || error.status === 0) return false;
  // A webhook may answer with any status.
  if (/denied the request|failed calling webhook/.test(error.message)) return true;
  return [400, 403, 422].includes(error.status) && !isForbidden(error);
}

/** Returns the reason for a command that cannot continue after the error. */
export function failureCodeOf(error: ApiError): FailureCode {
  if (isUnauthorized(error)) return "unauthorized";
  return isForbidden(error) ? "forbidden" : "unreachable";
}

/**
 * Describes a failed read that a report can do without.
 *
 * @param what the read, such as `list nodes`.
 */
export function unreadText(error: ApiError, what: string): string {
  return `${isForbidden(error) ? "not allowed to" : "could not"} ${what}`;
}

export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

/** True if the request may have taken effect although it failed. */
export function isUnanswered(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.status === 0 || error.status >= 500);
}

export function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.status === 409;
}
