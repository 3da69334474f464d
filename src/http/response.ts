import type { V1Status } from "@kubernetes/client-node";
import { isObject } from "../json-object.ts";
import { ApiError } from "./api-error.ts";
import type { Body } from "./body.ts";
import { PROTOBUF, readProtobuf } from "./protobuf/protobuf-body.ts";
import type { ApiRequest, ListMetadata, ResponseObject } from "./request.ts";

/** An HTTP response whose body is not parsed yet. */
export interface HttpResponse {
  readonly status: number;
  readonly contentType: string;
  /** The number of seconds to wait, if the server asks for a delay. */
  readonly retryAfter: number | undefined;
  readonly body: Body;
}

/**
 * Returns the object in a response.
 *
 * @throws ApiError unless the response is a success and has an object of the requested kind.
 */
export function parseResponse<Kind extends string>(
  response: HttpResponse,
  request: ApiRequest<Kind>,
): ResponseObject<Kind> {
  const text = response.body.bytes.toString("utf8", 0, 1000).trim().slice(0, 200);
  let object: ResponseObject | undefined;
  let truncated = false;
  try {
    object = parseBody(response, request);
  } catch {
    truncated = true;
  }
  if (response.status >= 200 && response.status < 300) {
    const isStatus = request.orStatus === true && object?.kind === "Status";
    if (object?.kind === request.kind || isStatus) return object as ResponseObject<Kind>;
    const got = object?.kind ?? `${response.contentType || "no content type"}: ${text}`;
    throw new ApiError(
      `${request.path} did not answer with a ${request.kind} (${got}); is there a proxy or a login page on the way?`,
      // A request whose response is truncated is sent again.
      { status: 0, reason: truncated ? "truncated" : "malformed" },
    );
  }
  const { message, reason, metadata }: Status = object ?? {};
  throw new ApiError(ifText(message) || text || `HTTP ${response.status}`, {
    status: response.status,
    reason: ifText(reason),
    retryAfter: response.retryAfter,
    continueToken: metadata?.continue,
  });
}

type Status = Omit<V1Status, "metadata"> & { readonly metadata?: ListMetadata };

/** @throws SyntaxError or Malformed for an incomplete body. */
function parseBody(
  { contentType, body }: HttpResponse,
  { item }: ApiRequest,
): ResponseObject | undefined {
  if (contentType.startsWith(PROTOBUF)) return readProtobuf(body.bytes, item, body.release);
  const json = contentType.includes("json") ? body.bytes.toString("utf8") : undefined;
  body.release();
  if (json === undefined) return undefined;
  const value: unknown = JSON.parse(json);
  return isObject(value) ? value : undefined;
}

/** Returns the value if it is a string, otherwise an empty string: a proxy may answer with any JSON. */
function ifText(value: unknown): string {
  return typeof value === "string" ? value : "";
}
