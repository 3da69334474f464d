import { setMaxListeners } from "node:events";
import {
  type Agent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as httpRequest,
} from "node:http";
import { type RequestOptions, request as httpsRequest } from "node:https";
import { openAgent } from "./agent.ts";
import { ApiError } from "./api-error.ts";
import { type Body, openBodies } from "./body.ts";
import type { Encoding } from "./encoding.ts";
import type { Connection } from "./kubeconfig.ts";
import type { Type } from "./protobuf.ts";
import { PROTOBUF, readBody } from "./protobuf-body.ts";

/** The one way to the API server, for reads and writes alike. */
export interface Api {
  readonly connection: Connection;
  /**
   * Sends a request and resolves with the object in the answer.
   *
   * @throws ApiError for every answer but a success of the expected kind.
   */
  send(request: ApiRequest): Promise<KubernetesObject>;
  close(): void;
}

export interface ApiRequest {
  readonly method: "GET" | "POST" | "PATCH";
  /** `/api/v1/pods` */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** A form other than the resource's own, such as `PartialObjectMetadataList`. */
  readonly as?: string;
  /** How an item of the list is read from protobuf; without it, JSON is asked for. */
  readonly item?: Type<object>;
  readonly body?: unknown;
  readonly contentType?: string;
  /** The `kind` that a success has. */
  readonly kind: string;
}

/** Any object in JSON, before it is known what it holds. */
export interface KubernetesObject {
  readonly kind?: string;
  readonly [field: string]: unknown;
}

/** What requests need of the outside world besides the network. */
export interface Surroundings {
  /** Milliseconds on a clock that only differences are taken of. */
  readonly now: () => number;
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly random: () => number;
  /** Gets a line for every answer and every retry. */
  readonly trace: ((line: string) => void) | undefined;
  readonly encoding: Encoding;
}

const MAX_TRIES = 10;
/** From the first try on, what was waited for answers included. */
const MAX_RETRY_SECONDS = 120;

/**
 * Requests with one pool of kept connections, credentials renewed once after a 401, and retries of
 * what may pass: resets, 429 and 5xx. Every request that this tool sends is safe to repeat: reads,
 * reviews, dry runs, and a restart whose time is fixed before its first try.
 */
export function openApi(
  connection: Connection,
  requestTimeout: number,
  { now, sleep, random, trace, encoding }: Surroundings,
): Api {
  const { server, proxy } = connection;
  const readBytes = openBodies();
  let agent: Promise<Agent> | undefined;
  let first: Promise<RequestOptions> | undefined;
  // What is still under way then was given up: it must not try again, on a new connection.
  let closed = false;
  const ending = new AbortController();
  setMaxListeners(0, ending.signal);

  const had = (options: Promise<RequestOptions>) =>
    options.catch((cause: unknown) => {
      const message = cause instanceof Error ? cause.message : String(cause);
      const facts = { status: 0, reason: "credentials" };
      throw new ApiError(`the credentials cannot be had: ${message}`, facts, { cause });
    });

  /** Where the first cannot be had, no request can: that is said once, and asked for once. */
  async function authorize(refused?: RequestOptions): Promise<RequestOptions> {
    if (first === undefined) return (first = had(connection.authorize()));
    await first;
    return had(connection.authorize(refused));
  }

  async function once(request: ApiRequest, timeout: number): Promise<KubernetesObject> {
    const authorized = await authorize();
    agent ??= openAgent(server, proxy, authorized, ending.signal);
    const pool = { agent: await agent, signal: ending.signal };
    const ask = (options: RequestOptions) =>
      exchange(connection, { ...pool, ...options }, request, timeout, readBytes);
    try {
      return await ask(authorized);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      return ask(await authorize(authorized));
    }
  }

  function send(request: ApiRequest): Promise<KubernetesObject> {
    if (encoding === "json") return sendPatiently(withoutProtobuf(request));
    return sendPatiently(request).catch((error: unknown) => {
      const refused = error instanceof ApiError && error.status === 406 && request.item;
      if (!refused) throw error;
      return sendPatiently(withoutProtobuf(request));
    });
  }

  async function sendPatiently(request: ApiRequest): Promise<KubernetesObject> {
    if (closed) throw new ApiError("the command has ended", { status: 0, reason: "closed" });
    const start = now();
    let asked = request;
    let patience = requestTimeout;
    for (let attempt = 1; ; attempt += 1) {
      const line = `${request.method} ${urlOf(connection.server, asked).href}`;
      try {
        const answer = await once(asked, patience);
        trace?.(line);
        return answer;
      } catch (error) {
        const seconds = retryDelay(error, attempt, random());
        // What was given up with the command is no news.
        if (!closed) trace?.(`${line} ${String(error)}`);
        const spent = (now() - start) / 1000;
        if (closed || seconds === undefined || spent + seconds > MAX_RETRY_SECONDS) throw error;
        trace?.(`next try in ${seconds.toFixed(1)} s, ${attempt + 1} of at most ${MAX_TRIES}`);
        await sleep(seconds * 1000, ending.signal);
        if (closed) throw error;
        // The last try may be as silent as those before.
        const left = MAX_RETRY_SECONDS * 1000 - (now() - start);
        patience = Math.max(1, Math.min(requestTimeout, left));
        if (!(error instanceof ApiError && error.status === 429)) asked = withHalfThePage(asked);
      }
    }
  }

  return {
    connection,
    send,
    close: () => {
      closed = true;
      // Those that still queue for a connection too.
      ending.abort();
      void agent?.then((pool) => pool.destroy());
    },
  };
}

/** The server ends a list after a minute: what was cut may fit into half of it. */
function withHalfThePage(request: ApiRequest): ApiRequest {
  const limit = Number(request.query?.["limit"] ?? 1);
  if (limit <= 1) return request;
  return { ...request, query: { ...request.query, limit: String(Math.ceil(limit / 2)) } };
}

/** Seconds until the next try, or `undefined` where another try would not help. */
function retryDelay(error: unknown, attempt: number, random: number): number | undefined {
  if (!(error instanceof ApiError) || attempt >= MAX_TRIES || !mayPass(error)) return undefined;
  const backoff = Math.min(0.1 * 2 ** attempt, 10) * (0.5 + random);
  // All that were sent away in the same second must not come back in the same.
  return error.retryAfter === undefined ? backoff : Math.max(error.retryAfter + random, backoff);
}

const BROKEN_ON_THE_WAY = new Set(["ECONNRESET", "EPIPE", "ETIMEDOUT", "truncated"]);

function mayPass({ status, reason, message }: ApiError): boolean {
  if (status === 0) return BROKEN_ON_THE_WAY.has(reason);
  // An injector that cannot be reached is an answer, not an accident on the way.
  if (message.includes("failed calling webhook")) return false;
  return status === 429 || (status >= 500 && status !== 501);
}

async function exchange(
  { server, proxy }: Connection,
  options: RequestOptions,
  request: ApiRequest,
  timeout: number,
  readBytes: ReturnType<typeof openBodies>,
): Promise<KubernetesObject> {
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
  return objectOf(answer, request);
}

type ReadBytes = (response: IncomingMessage) => Promise<Body>;

interface Answer {
  readonly status: number;
  readonly contentType: string;
  /** Seconds to wait, as the server asked. */
  readonly retryAfter: number | undefined;
  readonly body: Body;
}

function transfer(
  url: URL,
  options: RequestOptions,
  body: string | undefined,
  readBytes: ReadBytes,
): Promise<Answer> {
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

async function readAnswer(response: IncomingMessage, readBytes: ReadBytes): Promise<Answer> {
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
  const what = (message || reason).replace(/^Bad response: /, "it answered ");
  return new ApiError(`${url.host}:${way} ${what}`, { status: 0, reason }, { cause: error });
}

function objectOf(answer: Answer, request: ApiRequest): KubernetesObject {
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

/**
 * Protobuf is a third of JSON's work for both sides. What has no protobuf, as custom resources have
 * none, comes as JSON.
 */
function acceptedForms({ as, item }: ApiRequest): string {
  const form = as === undefined ? "" : `;as=${as};g=meta.k8s.io;v=v1`;
  const json = `application/json${form}`;
  return item === undefined ? json : `${PROTOBUF}${form},${json}`;
}

function withoutProtobuf({ item: _item, ...request }: ApiRequest): ApiRequest {
  return request;
}

/**
 * @throws ApiError for a path that leads elsewhere than it says: anybody who makes pods names their
 *   owners, also `../../secrets/web`.
 */
function urlOf(server: URL, { path, query }: ApiRequest): URL {
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

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function excerpt(text: string): string {
  return text.trim().slice(0, 200);
}
