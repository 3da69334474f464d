import { type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from "node:http";
import { type RequestOptions, request as httpsRequest } from "node:https";
import { type HttpResponse, parseResponse } from "./response.ts";
import { ApiError } from "./api-error.ts";
import type { ApiRequest, ResponseObject } from "./request.ts";
import type { Body } from "./body.ts";
import type { Connection } from "../connection/kubeconfig.ts";
import { PROTOBUF } from "./protobuf/protobuf-body.ts";
import { transportError } from "./transport-error.ts";

/** The name by which the audit log of the API server knows this program. */
export const USER_AGENT = "istio-upgrade";

/** Returns the function of Node that starts a request to this address. */
export function requestFunction({ protocol }: URL): typeof httpsRequest {
  return protocol === "http:" ? httpRequest : httpsRequest;
}

/** The parts of an exchange that are the same for all requests to a server. */
interface Shared {
  /** Reads the body of a response of the expected `kind`. */
  readonly readBody: (response: IncomingMessage, kind: string) => Promise<Body>;
  /** Adds the TLS context to the options of a request. */
  readonly withContext: (options: RequestOptions) => RequestOptions;
}

/**
 * Sends a request once and returns the object in the response.
 *
 * @param timeout the milliseconds that may pass without receiving a byte.
 */
export async function exchange<Kind extends string>(
  { server, proxy }: Connection,
  options: RequestOptions,
  request: ApiRequest<Kind>,
  timeout: number,
  { readBody, withContext }: Shared,
): Promise<ResponseObject<Kind>> {
  const body = request.body === undefined ? undefined : JSON.stringify(request.body);
  const url = requestUrl(server, request);
  const response = await transfer(
    url,
    {
      ...options,
      method: request.method,
      headers: {
        ...(options.headers as Record<string, string>),
        Accept: acceptHeader(request),
        "Accept-Encoding": "gzip",
        "User-Agent": USER_AGENT,
        ...(body === undefined
          ? {}
          : {
              "Content-Type": request.contentType ?? "application/json",
              "Content-Length": String(Buffer.byteLength(body)),
            }),
      },
      timeout,
    },
    body,
    { readBody: (incoming) => readBody(incoming, request.kind), withContext },
  ).catch((error: unknown) => {
    throw transportError(error, url, proxy);
  });
  return parseResponse(response, request);
}

type ReadBody = (response: IncomingMessage) => Promise<Body>;

function transfer(
  url: URL,
  options: RequestOptions,
  body: string | undefined,
  { readBody, withContext }: Pick<Shared, "withContext"> & { readonly readBody: ReadBody },
): Promise<HttpResponse> {
  const start = requestFunction(url);
  return new Promise((resolve, reject) => {
    const { timeout = 0 } = options;
    const request = start(url, withContext(options), (response) => {
      clearTimeout(headers);
      const unwatch = watchSpeed(response, timeout);
      readResponse(response, readBody).finally(unwatch).then(resolve, reject);
    });
    // Each byte of a slow header is data.
    const headers = setTimeout(() => {
      request.destroy(timeoutError(`no complete header for ${MOST_HEADER_SECONDS} s`));
    }, MOST_HEADER_SECONDS * 1000).unref();
    request.on("close", () => clearTimeout(headers));
    request.on("timeout", () => {
      request.destroy(timeoutError(`no data for ${timeout / 1000} s`));
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** The seconds until a response must begin, however slowly its header arrives. */
const MOST_HEADER_SECONDS = 120;

/** The bytes that must arrive in a second, on average. With fewer, the longest lists would take hours. */
const LEAST_BYTES = 1024;

/** Ends a response whose body arrives too slowly for the time of a timeout. */
function watchSpeed(response: IncomingMessage, timeout: number): () => void {
  if (timeout === 0) return () => undefined;
  const { socket } = response;
  let before = socket.bytesRead;
  const check = () => {
    const received = socket.bytesRead - before;
    before = socket.bytesRead;
    if (received >= (LEAST_BYTES * timeout) / 1000) return;
    const message = `less than ${LEAST_BYTES} bytes a second for ${timeout / 1000} s`;
    if (!response.complete) response.destroy(timeoutError(message));
  };
  // After a delay of this process, the bytes that have arrived meanwhile are read first.
  const timer = setInterval(() => setImmediate(check), timeout);
  return () => clearInterval(timer);
}

function timeoutError(message: string): Error {
  return Object.assign(new Error(message), { code: "ETIMEDOUT" });
}

async function readResponse(response: IncomingMessage, readBody: ReadBody): Promise<HttpResponse> {
  return {
    status: response.statusCode ?? 0,
    contentType: response.headers["content-type"] ?? "",
    retryAfter: retryAfterSeconds(response.headers),
    body: await readBody(response),
  };
}

/** Reads `Retry-After`, in seconds or as a time. A time is relative to the server's own clock. */
function retryAfterSeconds({ "retry-after": text = "", date = "" }: IncomingHttpHeaders) {
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - Date.parse(date)) / 1000;
  return seconds > 0 ? seconds : undefined;
}

/**
 * Returns the value of the `Accept` header. Protobuf costs both sides a third of the work of JSON.
 * Custom resources have no protobuf form, so that the server answers with JSON.
 */
function acceptHeader({ as, item }: ApiRequest): string {
  const form = as === undefined ? "" : `;as=${as};g=meta.k8s.io;v=v1`;
  const json = `application/json${form}`;
  return item === undefined ? json : `${PROTOBUF}${form},${json}`;
}

/**
 * Returns the URL of a request.
 *
 * @throws ApiError if the path contains a name that changes the path. Anyone who is allowed to create
 *   pods can name an owner `../../secrets/web`.
 */
export function requestUrl(server: URL, { path, query }: Pick<ApiRequest, "path" | "query">): URL {
  const whole = server.pathname.replace(/\/$/, "") + path;
  const url = new URL(whole, server);
  if (url.pathname !== whole) {
    throw new ApiError(`no object can have the path ${path}`, { status: 404, reason: "NotFound" });
  }
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return url;
}
