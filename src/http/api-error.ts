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

  constructor(
    message: string,
    facts: {
      readonly status: number;
      readonly reason: string;
      readonly retryAfter?: number | undefined;
      readonly continueToken?: string | undefined;
    },
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.status = facts.status;
    this.reason = facts.reason;
    this.retryAfter = facts.retryAfter;
    this.continueToken = facts.continueToken;
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

/** Returns the reason for a command that cannot continue after the error. */
export function failureCodeOf(error: ApiError): FailureCode {
  if (error.status === 401) return "unauthorized";
  return isForbidden(error) ? "forbidden" : "unreachable";
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
