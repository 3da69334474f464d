import { ApiError, isUnanswered } from "./api-error.ts";
import { requestUrl } from "./exchange.ts";
import type { ApiRequest } from "./request.ts";

/** The clock, the delays and the log of retries. */
export interface RetryEnvironment {
  /** Returns the time in milliseconds. Only differences between times are used. */
  readonly now: () => number;
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** Returns a number from 0 to 1. */
  readonly random: () => number;
  /** Receives a line for each response and each retry. */
  readonly trace: ((line: string) => void) | undefined;
}

const MAX_ATTEMPTS = 10;
/** Counts from the first attempt and includes the time spent on responses. */
const MAX_RETRY_SECONDS = 120;

/**
 * Sends a request until it succeeds, or until another attempt would not help.
 *
 * @param timeout the milliseconds that an attempt may go without receiving a byte.
 * @param sendOnce makes a single attempt.
 * @param closing fires when the command ends: no attempt starts after that.
 * @throws ApiError of the last attempt, which says if an earlier one may have taken effect.
 */
export async function sendWithRetries<Request extends ApiRequest, Result>(
  server: URL,
  request: Request,
  timeout: number,
  sendOnce: (request: Request, timeout: number) => Promise<Result>,
  { now, sleep, random, trace }: RetryEnvironment,
  closing: AbortSignal,
): Promise<Result> {
  if (closing.aborted) {
    throw new ApiError("the command has ended", { status: 0, reason: "closed" });
  }
  const start = now();
  let current = request;
  const { limits = { attempts: MAX_ATTEMPTS, timeout, seconds: MAX_RETRY_SECONDS } } = request;
  const longest = Math.min(timeout, limits.timeout);
  let attemptTimeout = longest;
  let lostAnswer = false;
  for (let attempt = 1; ; attempt += 1) {
    const line = `${request.method} ${withoutLogin(requestUrl(server, current))}`;
    try {
      const result = await sendOnce(current, attemptTimeout);
      trace?.(line);
      return result;
    } catch (error) {
      // The user knows that requests fail when the command is interrupted.
      if (closing.aborted) throw error;
      trace?.(`${line} ${String(error)}`);
      const seconds = attempt < limits.attempts ? retryDelay(error, attempt, random()) : undefined;
      const spent = (now() - start) / 1000;
      if (seconds === undefined || spent + seconds > limits.seconds) {
        throw lostAnswer ? afterLostAnswer(error) : error;
      }
      lostAnswer ||= isUnanswered(error);
      trace?.(`retrying in ${seconds.toFixed(1)} s (attempt ${attempt + 1} of ${limits.attempts})`);
      await sleep(seconds * 1000, closing);
      if (closing.aborted) throw error;
      // The last attempt must not exceed the limit either.
      const left = limits.seconds * 1000 - (now() - start);
      attemptTimeout = Math.max(1, Math.min(longest, left));
      if (!(error instanceof ApiError && error.status === 429)) current = withHalfThePage(current);
    }
  }
}

function afterLostAnswer(error: unknown): unknown {
  if (!(error instanceof ApiError)) return error;
  const { message, status, reason, retryAfter, continueToken, cause } = error;
  const facts = { status, reason, retryAfter, continueToken, afterLostAnswer: true };
  return new ApiError(message, facts, { cause });
}

/** Returns an address without the password that it may have. */
export function withoutLogin(url: URL): string {
  const shown = new URL(url);
  shown.username = "";
  shown.password = "";
  return shown.href;
}

/** Halves the page, because the server ends a list after one minute and half of it may fit. */
function withHalfThePage<Request extends ApiRequest>(request: Request): Request {
  const limit = Number(request.query?.["limit"] ?? 1);
  if (limit <= 1) return request;
  return { ...request, query: { ...request.query, limit: String(Math.ceil(limit / 2)) } };
}

/** Returns the seconds until the next attempt, or `undefined` if another attempt would not help. */
function retryDelay(error: unknown, attempt: number, random: number): number | undefined {
  if (!(error instanceof ApiError) || !isTransient(error)) return undefined;
  const backoff = Math.min(0.1 * 2 ** attempt, 10) * (0.5 + random);
  // Jitter keeps clients that were rejected in the same second from returning in the same second.
  return error.retryAfter === undefined ? backoff : Math.max(error.retryAfter + random, backoff);
}

const TRANSPORT_FAILURES = new Set(["ECONNRESET", "EPIPE", "ETIMEDOUT", "truncated"]);

function isTransient({ status, reason, message }: ApiError): boolean {
  if (status === 0) return TRANSPORT_FAILURES.has(reason);
  // The API server reports an unreachable webhook as 500, although its own answer is final.
  if (message.includes("failed calling webhook")) return false;
  return status === 429 || (status >= 500 && status !== 501);
}
