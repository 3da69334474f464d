import type { IncomingMessage, ServerResponse } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import { buffer } from "node:stream/consumers";
import type { Fault, Times } from "./faults.ts";
import { type TlsServer, startTlsServer } from "./tls-server.ts";

/** A request that the proxy intercepts, with the means to apply a fault to it. */
export interface InterceptedRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The method and path, such as `GET /api/v1/pods`, with `(next page)`, `(watch)` or `(selected)` if it is one. */
  readonly key: string;
  readonly times: Times;
  /** An object that identifies the run. */
  readonly armed: object;
  readonly server: TlsServer;
  /** Forwards the request. The answer's body is complete and not compressed. */
  readonly upstream: (change?: Change) => Promise<Upstream>;
}

/** Changes to the forwarded request. */
export interface Change {
  /** Requests the first page of the list. */
  readonly fromStart?: true;
  /** Requests JSON regardless of the Accept header. */
  readonly asJson?: true;
}

export interface Upstream {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** The fault to apply, to the first request with this key or to all of them. */
export interface ArmedFault {
  readonly key: string;
  readonly fault: Fault;
  readonly times: Times;
}

export interface Proxy extends Pick<TlsServer, "url" | "authorities" | "connections" | "stop"> {
  /** Sets the fault, or none, and forgets the requests so far. */
  arm(armed: ArmedFault | undefined): Promise<void>;
  /** Returns the keys of all requests since the last call of `arm`. */
  keys(): readonly string[];
  /** Returns the number of times that the fault was applied. */
  timesApplied(): number;
}

/**
 * The page size. A server may return smaller pages than requested, and here every list has several.
 */
const pageOf = (path: string) => (path.endsWith("/pods") ? "3" : "1");

/** Starts a proxy that forwards requests to an API server and applies at most one fault. */
export async function startProxy(target: string, ca: string): Promise<Proxy> {
  const asked = new Set<string>();
  const agent = new Agent({ keepAlive: true, ca });
  let armed: ArmedFault | undefined;
  let applied = 0;

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", target);
    if (url.searchParams.has("limit")) url.searchParams.set("limit", pageOf(url.pathname));
    const sent = await buffer(request);
    const key = keyOf(request.method ?? "GET", url);
    asked.add(key);
    const upstream = ({ fromStart, asJson }: Change = {}) => {
      if (fromStart) url.searchParams.delete("continue");
      return forward(request, url, agent, sent, asJson === true);
    };
    const applies = armed?.key === key && (armed.times === "always" || applied === 0);
    if (!applies || armed === undefined) {
      if (isWatch(url)) return passOn(request, response, url, agent);
      return answer(response, await upstream());
    }
    applied += 1;
    const { fault, times } = armed;
    await fault.apply({ request, response, key, times, armed, server, upstream });
  }

  const server = await startTlsServer((request, response) => {
    respond(request, response).catch(() => request.socket.destroy());
  });
  const { url, authorities, connections } = server;
  return {
    url,
    authorities,
    connections,
    async stop() {
      agent.destroy();
      await server.stop();
    },
    async arm(next) {
      await server.open();
      armed = next && { ...next };
      applied = 0;
      asked.clear();
    },
    keys: () => [...asked],
    timesApplied: () => applied,
  };
}

function keyOf(method: string, url: URL): string {
  const trial = url.searchParams.get("dryRun") === "All" ? " (dry run)" : "";
  const next = url.searchParams.has("continue") ? " (next page)" : "";
  const watch = isWatch(url) ? " (watch)" : "";
  // These names differ in every run.
  const path = url.pathname
    .replace(/\/faults-\w+/, "/faults")
    .replace(/\/(pods|replicasets)\/[^/]+$/, "/$1/*");
  const isSelection = path === "/api/v1/namespaces" && url.searchParams.has("labelSelector");
  return `${method} ${path}${trial}${isSelection ? " (selected)" : ""}${next}${watch}`;
}

export function isWatch(url: URL): boolean {
  return url.searchParams.get("watch") === "true";
}

export function answer(
  response: ServerResponse,
  { status, headers, body }: Upstream,
  more: Readonly<Record<string, string>> = {},
): void {
  const { "content-type": type = "application/json" } = headers;
  response.writeHead(status, { "content-type": type, "content-length": body.length, ...more });
  response.end(body);
}

/** Forwards a request with its body. The answer's body is complete and not compressed. */
export function forward(
  request: IncomingMessage,
  url: URL,
  agent: Agent,
  body: Buffer,
  asJson = false,
): Promise<Upstream> {
  const { "accept-encoding": _, host: __, connection: ___, ...headers } = request.headers;
  if (asJson) headers.accept = (headers.accept ?? "").replace(/[^,]*protobuf[^,]*,/, "");
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(url, { method: request.method, headers, agent }, (incoming) => {
      const { statusCode: status = 0, headers: got } = incoming;
      const whole = isWatch(url) ? firstEvents(incoming) : buffer(incoming);
      const answered = whole.then((read) => ({ status, headers: got, body: read }));
      answered.then(resolve, reject);
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** Reads the first events of a watch, which never ends by itself, and ends it. */
async function firstEvents(incoming: IncomingMessage): Promise<Buffer> {
  for await (const chunk of incoming) return chunk as Buffer;
  return Buffer.alloc(0);
}

/** Forwards a watch event by event. */
export function passOn(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  agent: Agent,
): void {
  const { host: _, connection: __, ...headers } = request.headers;
  const outgoing = httpsRequest(url, { headers, agent }, (incoming) => {
    response.writeHead(incoming.statusCode ?? 0, incoming.headers);
    response.flushHeaders();
    incoming.on("error", () => response.destroy()).pipe(response);
  });
  outgoing.on("error", () => response.destroy());
  response.on("close", () => outgoing.destroy());
  outgoing.end();
}
