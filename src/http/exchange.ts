import { type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from "node:http";
import { type RequestOptions, request as httpsRequest } from "node:https";
import { type HttpResponse, parseResponse } from "./response.ts";
import { ApiError } from "./api-error.ts";
import type { ApiRequest, ResponseObject } from "./request.ts";
import type { Body } from "./body.ts";
import type { Connection } from "../connection/kubeconfig.ts";
import { PROTOBUF } from "./protobuf/protobuf-body.ts";

/**
 * Sends a request once and returns the object in the response.
 *
 * @param timeout the milliseconds that may pass without receiving a byte.
 * @param readBody reads the body of a response of the expected `kind`.
 */
export async function exchange<Kind extends string>(
  { server, proxy }: Connection,
  options: RequestOptions,
  request: ApiRequest<Kind>,
  timeout: number,
  readBody: (response: IncomingMessage, kind: string) => Promise<Body>,
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
        "User-Agent": "istio-upgrade",
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
    (incoming) => readBody(incoming, request.kind),
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
  readBody: ReadBody,
): Promise<HttpResponse> {
  const start = url.protocol === "http:" ? httpRequest : httpsRequest;
  return new Promise((resolve, reject) => {
    const request = start(url, options, (response) => {
      readResponse(response, readBody).then(resolve, reject);
    });
    request.on("timeout", () => {
      const message = `no data for ${(options.timeout ?? 0) / 1000} s`;
      request.destroy(Object.assign(new Error(message), { code: "ETIMEDOUT" }));
    });
    request.on("error", reject);
    request.end(body);
  });
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

function transportError(error: unknown, url: URL, proxy: URL | undefined): ApiError {
  const { code, message } = error as NodeJS.ErrnoException;
  const reason = code?.startsWith("Z_") ? "truncated" : (code ?? "transport");
  const way = proxy === undefined ? "" : ` through the proxy ${proxy.host}:`;
  const { host, hostname } = proxy ?? url;
  const what = (message || reason)
    .replace(/^Bad response: /, "it answered ")
    // Node appends the address, which is useful only if it differs from the host before the message.
    .replace(/ (\S+)$/, (end, address) => ([host, hostname].includes(address) ? "" : end));
  return new ApiError(`${url.host}:${way} ${what}`, { status: 0, reason }, { cause: error });
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
export function requestUrl(server: URL, { path, query }: ApiRequest): URL {
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
