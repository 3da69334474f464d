import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { generate } from "selfsigned";
import type { User } from "./access.ts";
import { answer, type ApiRequest } from "./api.ts";
import type { KubeObject } from "./kinds.ts";
import { Refusal } from "./refusal.ts";
import type { Store } from "./store.ts";
import { durationOfWatch, isWatch, openWatch } from "./watch.ts";

export interface Server {
  readonly url: string;
  /** The self-signed certificate, in PEM. */
  readonly certificate: string;
  stop(): Promise<void>;
}

/** A received request, as in an audit log. */
export interface LoggedRequest {
  readonly method: string;
  readonly path: string;
  readonly user: string;
  readonly userAgent: string;
  readonly status: number;
  /** The port of the client. Requests over the same connection have the same. */
  readonly port: number | undefined;
}

/** Starts the HTTPS server, which authenticates requests and sends answers. */
export async function startServer(
  store: Store,
  users: ReadonlyMap<string, User>,
  log: (request: LoggedRequest) => void,
): Promise<Server> {
  const altNames = [{ type: 7 as const, ip: "127.0.0.1" }];
  const { cert, private: key } = await generate([{ name: "commonName", value: "kube-apiserver" }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions: [
      { name: "basicConstraints", cA: true },
      { name: "subjectAltName", altNames },
    ],
  });
  const server = createServer({ key, cert }, (request, response) => {
    void respond(request, response);
  });
  // As with a real API server, the client ends idle connections. Otherwise it may use one as it ends.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const url = `https://127.0.0.1:${port}`;

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET", url: path = "/", headers } = request;
    const user = users.get(headers.authorization?.replace(/^Bearer /, "") ?? "");
    const body = await text(request);
    const answered = caught(() => {
      if (user === undefined) throw new Refusal(401, "Unauthorized", "Unauthorized");
      const asked = { user, method, url: new URL(path, url), headers, text: body };
      return isWatch(asked.url) ? watch(asked, response) : answer(store, asked);
    });
    const status = answered["code"] ?? (method === "POST" ? 201 : 200);
    const userAgent = headers["user-agent"] ?? "";
    const { remotePort } = request.socket;
    log({ method, path, user: user?.name ?? "", userAgent, status, port: remotePort });
    if (response.headersSent) return;
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(answered));
  }

  /** Sends events until the client or the time limit ends the watch. */
  function watch(asked: ApiRequest, response: ServerResponse): KubeObject {
    const events: KubeObject[] = [];
    let send = (event: KubeObject): void => void events.push(event);
    const end = openWatch(store, asked, (event) => send(event));
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    send = (event) => void response.write(`${JSON.stringify(event)}\n`);
    for (const event of events) send(event);
    const timer = setTimeout(() => response.end(), durationOfWatch(asked.url));
    response.on("close", () => {
      end();
      clearTimeout(timer);
    });
    return {};
  }

  return {
    url,
    certificate: cert,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function caught(work: () => KubeObject): KubeObject {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal) return error.status;
    // The body or continue token is malformed.
    if (error instanceof SyntaxError) return new Refusal(400, "BadRequest", error.message).status;
    const message = `embedded API server: ${(error as Error).stack}`;
    return new Refusal(500, "InternalError", message).status;
  }
}
