import { ApiError } from "./api-error.ts";
import type { ApiRequest, KubernetesObject } from "./api.ts";
import type { Body } from "./body.ts";
import { PROTOBUF, readBody } from "./protobuf/protobuf-body.ts";

/** An answer before anybody has looked into it. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  /** Seconds to wait, as the server asked. */
  readonly retryAfter: number | undefined;
  readonly body: Body;
}

/**
 * The object in an answer.
 *
 * @throws ApiError for every answer but a success of the expected kind.
 */
export function objectOf(answer: Answer, request: ApiRequest): KubernetesObject {
  const text = excerpt(answer.body.bytes.toString("utf8", 0, 1000));
  let parsed: KubernetesObject | undefined;
  let cut = false;
  try {
    parsed = parseBody(answer, request);
  } catch {
    cut = true;
  }
  if (answer.status >= 200 && answer.status < 300) {
    if (parsed?.kind === request.kind) return parsed;
    const got = parsed?.kind ?? `${answer.contentType || "no content type"}: ${text}`;
    throw new ApiError(
      `${request.path} answered with something that is no ${request.kind} (${got}); a proxy or a login page on the way?`,
      // What ends early was cut on the way: worth another try.
      { status: 0, reason: cut ? "truncated" : "malformed" },
    );
  }
  const metadata = parsed?.["metadata"] as { continue?: string } | undefined;
  throw new ApiError(textOf(parsed?.["message"]) || text || `HTTP ${answer.status}`, {
    status: answer.status,
    reason: textOf(parsed?.["reason"]),
    retryAfter: answer.retryAfter,
    continueToken: metadata?.continue,
  });
}

/** @throws SyntaxError or Malformed for what is not whole. */
function parseBody(
  { contentType, body }: Answer,
  { item }: ApiRequest,
): KubernetesObject | undefined {
  if (contentType.startsWith(PROTOBUF)) return readBody(body.bytes, item, body.release);
  const json = contentType.includes("json") ? body.bytes.toString("utf8") : undefined;
  body.release();
  if (json === undefined) return undefined;
  const value: unknown = JSON.parse(json);
  return typeof value === "object" && value !== null ? (value as KubernetesObject) : undefined;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function excerpt(text: string): string {
  return text.trim().slice(0, 200);
}
