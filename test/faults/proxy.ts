import type { IncomingMessage, ServerResponse } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import { buffer } from "node:stream/consumers";
import type { Fault, Times } from "./faults.ts";
import { type Front, openFront } from "./front.ts";

/** One request that passes, and what may be done with it. */
export interface Passing {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** `GET /api/v1/pods`, with `(next page)` where it goes on with a list. */
  readonly key: string;
  readonly times: Times;
  /** Another one for every run. */
  readonly armed: object;
  readonly front: Front;
  /** Hands the request on. The answer's body is whole, and not compressed. */
  readonly upstream: (change?: Change) => Promise<Upstream>;
}

/** Another request than the one that came. */
export interface Change {
  /** From the list's beginning. */
  readonly fromStart?: true;
  /** In JSON, whatever was asked for. */
  readonly asJson?: true;
}

export interface Upstream {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** What goes wrong from now on: with the first request of this key, or with all of them. */
export interface Armed {
  readonly key: string;
  readonly fault: Fault;
  readonly times: Times;
}

export interface Proxy extends Pick<Front, "url" | "authorities" | "connections" | "stop"> {
  arm(armed: Armed | undefined): Promise<void>;
  /** Keys of what was asked since it was last armed. */
  keys(): readonly string[];
  /** How often the armed fault has struck. */
  strikes(): number;
}

/** A server may always give out smaller pages than it was asked for: every list has several. */
const pageOf = (path: string) => (path.endsWith("/pods") ? "3" : "1");

/** Stands before an API server and carries bytes, but for the one fault that it is armed with. */
export async function startProxy(server: string, ca: string): Promise<Proxy> {
  const asked = new Set<string>();
  const agent = new Agent({ keepAlive: true, ca });
  let armed: Armed | undefined;
  let strikes = 0;

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", server);
    if (url.searchParams.has("limit")) url.searchParams.set("limit", pageOf(url.pathname));
    const sent = await buffer(request);
    const key = keyOf(request.method ?? "GET", url);
    asked.add(key);
    const upstream = ({ fromStart, asJson }: Change = {}) => {
      if (fromStart) url.searchParams.delete("continue");
      return forward(request, url, agent, sent, asJson === true);
    };
    const strikesNow = armed?.key === key && (armed.times === "for ever" || strikes === 0);
    if (!strikesNow || armed === undefined) return answer(response, await upstream());
    strikes += 1;
    const { fault, times } = armed;
    await fault.strike({ request, response, key, times, armed, front, upstream });
  }

  const front = await openFront((request, response) => {
    respond(request, response).catch(() => request.socket.destroy());
  });
  const { url, authorities, connections } = front;
  return {
    url,
    authorities,
    connections,
    async stop() {
      agent.destroy();
      await front.stop();
    },
    async arm(next) {
      await front.open();
      armed = next && { ...next };
      strikes = 0;
      asked.clear();
    },
    keys: () => [...asked],
    strikes: () => strikes,
  };
}

function keyOf(method: string, url: URL): string {
  const trial = url.searchParams.get("dryRun") === "All" ? " (dry run)" : "";
  const next = url.searchParams.has("continue") ? " (next page)" : "";
  // Their names are another one every time.
  const path = url.pathname
    .replace(/\/faults-\w+/, "/faults")
    .replace(/\/(pods|replicasets)\/[^/]+$/, "/$1/*");
  return `${method} ${path}${trial}${next}`;
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

function forward(
  request: IncomingMessage,
  url: URL,
  agent: Agent,
  body: Buffer,
  asJson: boolean,
): Promise<Upstream> {
  const { "accept-encoding": _, host: __, connection: ___, ...headers } = request.headers;
  if (asJson) headers.accept = (headers.accept ?? "").replace(/[^,]*protobuf[^,]*,/, "");
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(url, { method: request.method, headers, agent }, (incoming) => {
      const { statusCode: status = 0, headers: got } = incoming;
      const answered = buffer(incoming).then((whole) => ({ status, headers: got, body: whole }));
      answered.then(resolve, reject);
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
