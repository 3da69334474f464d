import { setMaxListeners } from "node:events";
import type { Agent } from "node:http";
import type { RequestOptions } from "node:https";
import { openAgent, type Pool, REQUESTS, WATCHES } from "./agent.ts";
import { ApiError, NO_CREDENTIALS } from "./api-error.ts";
import { type BodyReader, createBodyReader } from "./body.ts";
import { createSecureContexts } from "./secure-contexts.ts";
import { exchange, requestUrl } from "./exchange.ts";
import type { ApiRequest, Encoding, ResponseObject } from "./request.ts";
import { type RetryEnvironment, sendWithRetries, withoutLogin } from "./retry.ts";
import { watchChanges, watchQuery, type WatchRequest } from "./watch.ts";
import type { Connection } from "../connection/kubeconfig.ts";

/** The API server, for reads and writes alike. */
export interface Api {
  readonly connection: Connection;
  /** The number of items to request in a page of a list; absent for the default. */
  readonly pageSize?: number | undefined;
  /**
   * Sends a request and returns the object in the response.
   *
   * @throws ApiError unless the response is a success and has an object of the requested kind.
   */
  send<Kind extends string>(request: ApiRequest<Kind>): Promise<ResponseObject<Kind>>;
  /**
   * Watches objects, once: nothing is retried. Resolves when the watch has ended, for any reason.
   *
   * @param onEvent is called at every event. The first ones are about the objects that exist.
   * @throws if the watch could not be opened. An `ApiError` has the status of the response.
   */
  readonly watch?: (
    request: WatchRequest,
    onEvent: () => void,
    signal: AbortSignal,
  ) => Promise<void>;
  /** Returns the time of the last response by the API server's clock; `undefined` if it is unknown. */
  readonly serverTime?: () => Date | undefined;
  /** Aborts pending requests and closes all connections. */
  close(this: void): void;
}

/** The parts of the outside world, besides the network, that sending requests needs. */
export interface ApiEnvironment extends RetryEnvironment {
  readonly encoding: Encoding;
  /** Absent for buffers of its own. */
  readonly readBody?: BodyReader;
  /** The number of items to request in a page of a list. */
  readonly pageSize?: number | undefined;
}

/**
 * Opens a pool of keep-alive connections to the API server. A request is retried after a transient
 * error, and sent once more with renewed credentials after a 401. Every request of this program is
 * safe to repeat: reads, access reviews, dry runs, a restart whose time is chosen before its first
 * attempt, labels for one version of a namespace, patches that test the pod that they change, pods and
 * Events with fixed names, and leases, in which a run recognizes itself.
 */
export function openApi(
  connection: Connection,
  requestTimeout: number,
  {
    encoding,
    pageSize,
    readBody: readUndated = createBodyReader(),
    ...environment
  }: ApiEnvironment,
): Api {
  const { server, proxy } = connection;
  const withContext = createSecureContexts(server);
  let serverDate: string | undefined;
  const readBody: BodyReader = (response, kind) => {
    serverDate = response.headers.date ?? serverDate;
    return readUndated(response, kind);
  };
  const agents = new Map<Pool, Promise<Agent>>();
  let first: Promise<RequestOptions> | undefined;
  const closing = new AbortController();
  // Each pending request adds a listener.
  setMaxListeners(0, closing.signal);

  const withCause = (options: Promise<RequestOptions>) =>
    options.catch((cause: unknown) => {
      const message = cause instanceof Error ? cause.message : String(cause);
      const facts = { status: 0, reason: NO_CREDENTIALS };
      throw new ApiError(`could not get credentials: ${message}`, facts, { cause });
    });

  /** Fails every request with the same error if the first credentials cannot be loaded. */
  async function authorize(rejected?: RequestOptions): Promise<RequestOptions> {
    if (first === undefined) return (first = withCause(connection.authorize()));
    await first;
    return withCause(connection.authorize(rejected));
  }

  function agentOf(pool: Pool, authorized: RequestOptions): Promise<Agent> {
    const opened = agents.get(pool) ?? openAgent(server, proxy, authorized, closing.signal, pool);
    agents.set(pool, opened);
    return opened;
  }

  async function sendOnce<Kind extends string>(
    request: ApiRequest<Kind>,
    timeout: number,
  ): Promise<ResponseObject<Kind>> {
    const authorized = await authorize();
    const pool = { agent: await agentOf(REQUESTS, authorized), signal: closing.signal };
    const sendAs = (options: RequestOptions) =>
      exchange(connection, { ...pool, ...options }, request, timeout, { readBody, withContext });
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
    pageSize,
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
    watch: async (request, onEvent, signal) => {
      const until = AbortSignal.any([signal, closing.signal]);
      const url = requestUrl(server, { path: request.path, query: watchQuery(request) });
      const line = `GET ${withoutLogin(url)}`;
      const onOpen = () => environment.trace?.(line);
      try {
        const authorized = await authorize();
        const agent = await agentOf(WATCHES, authorized);
        const options = { ...withContext(authorized), agent, signal: until };
        await watchChanges(url, options, { onOpen, onEvent });
      } catch (error) {
        if (until.aborted) return;
        environment.trace?.(`${line} ${String(error)}`);
        throw error;
      }
    },
    serverTime: () => (serverDate === undefined ? undefined : new Date(serverDate)),
    close: () => {
      // Also aborts requests that still wait for a connection.
      closing.abort();
      for (const agent of agents.values()) {
        agent.then(
          (pool) => pool.destroy(),
          // The requests have reported that the connections could not be opened.
          () => undefined,
        );
      }
    },
  };
}

function withoutProtobuf<Kind extends string>({
  item: _item,
  ...request
}: ApiRequest<Kind>): ApiRequest<Kind> {
  return request;
}
