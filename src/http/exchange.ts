import { type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from "node:http";
import { type RequestOptions, request as httpsRequest } from "node:https";
import { type HttpResponse, parseResponse } from "./response.ts";
import { ApiError } from "./api-error.ts";
import type { ApiRequest, ResponseObject } from "./request.ts";
import type { Body } from "./body.ts";
import type { Connection } from "../connection/kubeconfig.ts";
import { PROTOBUF } from "./protobuf/protobuf-body.ts";

/**
 * One request and its answer, without another try.
 *
 * @param timeout milliseconds without a byte.
 * @param readBytes reads an answer's body; `kind` is what it is expected to be.
 */
export async function exchange<Kind extends string>(
  { server, proxy }: Connection,
  options: RequestOptions,
  request: ApiRequest<Kind>,
  timeout: number,
  readBytes: (response: IncomingMessage, kind: string) => Promise<Body>,
): Promise<ResponseObject<Kind>> {
  const body = request.body === undefined ? undefined : JSON.stringify(request.body);
  const url = urlOf(server, request);
  const answer = await transfer(
    url,
    {
      ...options,
      method: request.method,
      headers: {
        ...(options.headers as Record<string, string>),
        Accept: acceptedForms(request),
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
    (response) => readBytes(response, request.kind),
  ).catch((error: unknown) => {
    throw transportError(error, url, proxy);
  });
  return parseResponse(answer, request);
}

type ReadBytes = (response: IncomingMessage) => Promise<Body>;

function transfer(
  url: URL,
  options: RequestOptions,
  body: string | undefined,
  readBytes: ReadBytes,
): Promise<HttpResponse> {
  const start = url.protocol === "http:" ? httpRequest : httpsRequest;
  return new Promise((resolve, reject) => {
    const request = start(url, options, (response) => {
      readAnswer(response, readBytes).then(resolve, reject);
    });
    request.on("timeout", () => {
      const message = `no byte came for ${(options.timeout ?? 0) / 1000} s`;
      request.destroy(Object.assign(new Error(message), { code: "ETIMEDOUT" }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

async function readAnswer(response: IncomingMessage, readBytes: ReadBytes): Promise<HttpResponse> {
  return {
    status: response.statusCode ?? 0,
    contentType: response.headers["content-type"] ?? "",
    retryAfter: secondsToWait(response.headers),
    body: await readBytes(response),
  };
}

/** Given in seconds, or as a time by the clock of whoever answered: ours may be hours off. */
function secondsToWait({ "retry-after": text = "", date = "" }: IncomingHttpHeaders) {
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
    // Node names whom it asked once more: only an address that its name led to is news.
    .replace(/ (\S+)$/, (end, address) => ([host, hostname].includes(address) ? "" : end));
  return new ApiError(`${url.host}:${way} ${what}`, { status: 0, reason }, { cause: error });
}

/**
 * Protobuf is a third of JSON's work for both sides. What has no protobuf, as custom resources have
 * none, comes as JSON.
 */
function acceptedForms({ as, item }: ApiRequest): string {
  const form = as === undefined ? "" : `;as=${as};g=meta.k8s.io;v=v1`;
  const json = `application/json${form}`;
  return item === undefined ? json : `${PROTOBUF}${form},${json}`;
}

/**
 * @throws ApiError for a path that leads elsewhere than it says: anybody who makes pods names their
 *   owners, also `../../secrets/web`.
 */
export function urlOf(server: URL, { path, query }: ApiRequest): URL {
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
