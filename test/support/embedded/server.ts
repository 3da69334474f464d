import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { generate } from "selfsigned";
import type { User } from "./access.ts";
import { answer } from "./api.ts";
import type { KubeObject } from "./kinds.ts";
import { Refusal } from "./refusal.ts";
import type { Store } from "./store.ts";

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
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const url = `https://127.0.0.1:${port}`;

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET", url: path = "/", headers } = request;
    const user = users.get(headers.authorization?.replace(/^Bearer /, "") ?? "");
    const body = await text(request);
    if (user !== undefined && isWatch(new URL(path, url))) {
      response.writeHead(200, { "content-type": "application/json" });
      response.flushHeaders();
      return;
    }
    const answered = caught(() => {
      if (user === undefined) throw new Refusal(401, "Unauthorized", "Unauthorized");
      return answer(store, { user, method, url: new URL(path, url), headers, text: body });
    });
    const status = answered["code"] ?? (method === "POST" ? 201 : 200);
    log({ method, path, user: user?.name ?? "", userAgent: headers["user-agent"] ?? "", status });
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(answered));
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

/**
 * True for a watch after a list. The watch stays open without events, for clients that need only
 * the list. A watch that asks for the list as events is rejected as an unknown parameter.
 */
function isWatch({ searchParams }: URL): boolean {
  return searchParams.get("watch") === "true" && !searchParams.has("sendInitialEvents");
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
