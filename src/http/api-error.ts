/** An answer of the API server that is not a success, or no answer at all. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** HTTP status; 0 where no complete answer came. */
  readonly status: number;
  /** `reason` of the Status body, or an error code such as `ECONNREFUSED`. */
  readonly reason: string;
  /** Seconds to wait, as the server asked. */
  readonly retryAfter: number | undefined;
  /** Token to go on with after a 410. */
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
 * RBAC's refusal, as against one by admission, quota or PodSecurity, which are 403 too: its text
 * has `cannot VERB resource`.
 */
export function isForbidden(error: unknown): boolean {
  return (
    error instanceof ApiError && error.status === 403 && / cannot \S+ resource /.test(error.message)
  );
}

export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

/** Whether what was asked for may have been done all the same: nobody who knows has answered. */
export function isUnanswered(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.status === 0 || error.status >= 500);
}

export function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.status === 409;
}
