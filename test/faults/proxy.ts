import { type IncomingMessage, request as httpRequest, type ServerResponse } from "node:http";
import { createServer, request as httpsRequest } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { generate } from "selfsigned";
import type { Fault } from "./faults.ts";

/** One answer, as it came from the API server. */
export interface Passing {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** `GET /api/v1/pods`, with `(next page)` where it goes on with a list. */
  readonly key: string;
  /** Hands the request on. The answer's body is whole, and not compressed. */
  readonly upstream: (change?: (query: URLSearchParams) => void) => Promise<Upstream>;
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
  readonly times: "once" | "for ever";
}

export interface Proxy {
  readonly url: string;
  /** PEM; it is its own authority. */
  readonly certificate: string;
  arm(armed: Armed | undefined): void;
  /** Keys of what was asked since it was last armed. */
  keys(): readonly string[];
  /** How often the armed fault has struck. */
  strikes(): number;
  connections(): number;
  stop(): Promise<void>;
}

/** A server may always give out smaller pages than it was asked for. */
const PAGE = "2";

/** Stands before an API server and carries bytes, but for the one fault that it is armed with. */
export async function startProxy(
  server: string,
  ca: string,
  validity: { readonly notBeforeDate?: Date; readonly notAfterDate?: Date } = {},
): Promise<Proxy> {
  const { cert, private: key } = await generate([{ name: "commonName", value: "proxy" }], {
    keyType: "ec",
    algorithm: "sha256",
    ...validity,
    extensions: [
      { name: "basicConstraints", cA: true },
      { name: "subjectAltName", altNames: [{ type: 7 as const, ip: "127.0.0.1" }] },
    ],
  });
  const sockets = new Set<Socket>();
  const asked = new Set<string>();
  let armed: Armed | undefined;
  let strikes = 0;

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", server);
    if (url.searchParams.has("limit")) url.searchParams.set("limit", PAGE);
    const sent = await buffer(request);
    const passing: Passing = {
      request,
      response,
      key: keyOf(request.method ?? "GET", url),
      upstream: (change) => {
        change?.(url.searchParams);
        return forward(request, url, ca, sent);
      },
    };
    asked.add(passing.key);
    const strikesNow = armed?.key === passing.key && (armed.times === "for ever" || strikes === 0);
    if (!strikesNow || armed === undefined) return answer(response, await passing.upstream());
    strikes += 1;
    await armed.fault.strike(passing);
  }

  const https = createServer({ key, cert }, (request, response) => {
    respond(request, response).catch(() => request.socket.destroy());
  });
  https.on("secureConnection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => https.listen(0, "127.0.0.1", resolve));
  return {
    url: `https://127.0.0.1:${(https.address() as AddressInfo).port}`,
    certificate: cert,
    arm(next) {
      armed = next;
      strikes = 0;
      asked.clear();
    },
    keys: () => [...asked],
    strikes: () => strikes,
    connections: () => sockets.size,
    stop: () =>
      new Promise((resolve) => {
        https.close(() => resolve());
        https.closeAllConnections();
      }),
  };
}

function keyOf(method: string, url: URL): string {
  const trial = url.searchParams.get("dryRun") === "All" ? " (dry run)" : "";
  const next = url.searchParams.has("continue") ? " (next page)" : "";
  return `${method} ${url.pathname}${trial}${next}`;
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

function forward(request: IncomingMessage, url: URL, ca: string, body: Buffer): Promise<Upstream> {
  const { "accept-encoding": _, host: __, connection: ___, ...headers } = request.headers;
  const send = url.protocol === "http:" ? httpRequest : httpsRequest;
  return new Promise((resolve, reject) => {
    const outgoing = send(
      url,
      { method: request.method, headers, ca, agent: false },
      (incoming) => {
        const { statusCode: status = 0, headers: got } = incoming;
        const answered = buffer(incoming).then((whole) => ({ status, headers: got, body: whole }));
        answered.then(resolve, reject);
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
