import { setMaxListeners } from "node:events";
import type { Agent } from "node:http";
import type { RequestOptions } from "node:https";
import { openAgent } from "./agent.ts";
import { ApiError } from "./api-error.ts";
import { createBodyReader } from "./body.ts";
import { exchange } from "./exchange.ts";
import type { ApiRequest, Encoding, ResponseObject } from "./request.ts";
import { type RetryEnvironment, sendWithRetries } from "./retry.ts";
import type { Connection } from "../connection/kubeconfig.ts";

/** The API server, for reads and writes alike. */
export interface Api {
  readonly connection: Connection;
  /**
   * Sends a request and returns the object in the response.
   *
   * @throws ApiError unless the response is a success and has an object of the requested kind.
   */
  send<Kind extends string>(request: ApiRequest<Kind>): Promise<ResponseObject<Kind>>;
  /** Aborts pending requests and closes all connections. */
  close(): void;
}

/** The parts of the outside world, besides the network, that sending requests needs. */
export interface ApiEnvironment extends RetryEnvironment {
  readonly encoding: Encoding;
}

/**
 * Opens a pool of keep-alive connections to the API server. A request is retried after a transient
 * error, and sent once more with renewed credentials after a 401. Every request of this program is
 * safe to repeat: reads, access reviews, dry runs, and a restart whose time is chosen before its
 * first attempt.
 */
export function openApi(
  connection: Connection,
  requestTimeout: number,
  { encoding, ...environment }: ApiEnvironment,
): Api {
  const { server, proxy } = connection;
  const readBody = createBodyReader();
  let agent: Promise<Agent> | undefined;
  let first: Promise<RequestOptions> | undefined;
  const closing = new AbortController();
  // Each pending request adds a listener.
  setMaxListeners(0, closing.signal);

  const withCause = (options: Promise<RequestOptions>) =>
    options.catch((cause: unknown) => {
      const message = cause instanceof Error ? cause.message : String(cause);
      const facts = { status: 0, reason: "credentials" };
      throw new ApiError(`could not get credentials: ${message}`, facts, { cause });
    });

  /** Fails every request with the same error if the first credentials cannot be loaded. */
  async function authorize(rejected?: RequestOptions): Promise<RequestOptions> {
    if (first === undefined) return (first = withCause(connection.authorize()));
    await first;
    return withCause(connection.authorize(rejected));
  }

  async function sendOnce<Kind extends string>(
    request: ApiRequest<Kind>,
    timeout: number,
  ): Promise<ResponseObject<Kind>> {
    const authorized = await authorize();
    agent ??= openAgent(server, proxy, authorized, closing.signal);
    const pool = { agent: await agent, signal: closing.signal };
    const sendAs = (options: RequestOptions) =>
      exchange(connection, { ...pool, ...options }, request, timeout, readBody);
    try {
      return await sendAs(authorized);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      return sendAs(await authorize(authorized));
    }
  }

  const send = <Kind extends string>(request: ApiRequest<Kind>) =>
    sendWithRetries(server, request, requestTimeout, sendOnce<Kind>, environment, closing.signal);

  return {
    connection,
    send: async (request) => {
      if (encoding === "json") return send(withoutProtobuf(request));
      try {
        return await send(request);
      } catch (error) {
        // 406: the server or a proxy does not support protobuf.
        if (!(error instanceof ApiError && error.status === 406 && request.item)) throw error;
        return send(withoutProtobuf(request));
      }
    },
    close: () => {
      // Also aborts requests that still wait for a connection.
      closing.abort();
      agent?.then(
        (pool) => pool.destroy(),
        // The requests have reported that the connections could not be opened.
        () => undefined,
      );
    },
  };
}

function withoutProtobuf<Kind extends string>({
  item: _item,
  ...request
}: ApiRequest<Kind>): ApiRequest<Kind> {
  return request;
}
