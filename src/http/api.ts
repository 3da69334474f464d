import { setMaxListeners } from "node:events";
import type { Agent } from "node:http";
import type { RequestOptions } from "node:https";
import { openAgent } from "./agent.ts";
import { ApiError } from "./api-error.ts";
import { openBodies } from "./body.ts";
import type { Encoding } from "./encoding.ts";
import { exchange, urlOf } from "./exchange.ts";
import type { Connection } from "../connection/kubeconfig.ts";
import type { Type } from "./protobuf/protobuf.ts";

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
export interface ApiEnvironment {
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
  { now, sleep, random, trace, encoding }: ApiEnvironment,
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
      // Where there is none, whoever asked was told.
      agent?.then(
        (pool) => pool.destroy(),
        () => undefined,
      );
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

function withoutProtobuf({ item: _item, ...request }: ApiRequest): ApiRequest {
  return request;
}
