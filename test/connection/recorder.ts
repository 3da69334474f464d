import {
  createServer as createHttpServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { createSecureServer as createHttp2Server } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Server, Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import type { TLSSocket } from "node:tls";
import type { KeyPair } from "./certificates.ts";

/** A request as it reaches the API server. */
export interface ReceivedRequest {
  readonly secure: boolean;
  /** The `Host` header without the port. */
  readonly host: string;
  /** The part of the path before `/api` or `/apis`. */
  readonly prefix: string;
  /** The server name in the TLS handshake, or an empty string. */
  readonly sni: string;
  readonly authorization: string | undefined;
  /** The common name of the client certificate. */
  readonly certificate: string | undefined;
  /** The values of each impersonation header. */
  readonly impersonation: Readonly<Record<string, readonly string[]>>;
  /** The namespace that the request names. */
  readonly namespace: string | undefined;
  readonly status: number;
}

export interface Recorder {
  /** The port of each server by its name. */
  readonly ports: Readonly<Record<string, number>>;
  /** Returns the requests since the last call. */
  take(): readonly ReceivedRequest[];
  /** Sets the `Authorization` headers that the server accepts; `undefined` accepts all. */
  accept(known: readonly string[] | undefined): void;
  stop(): Promise<void>;
}

/** Finds the namespace in kubectl's SelfSubjectAccessReview for pods, which is protobuf. */
// oxlint-disable-next-line no-control-regex
const REVIEWED = /\n[\x01-\x3f]([a-z0-9-]+)\x12\x04list/;

/** The key pairs of the servers with TLS, by their names. The server `h2` speaks only HTTP/2. */
export type SecureServers = Readonly<Record<string, KeyPair>>;

/**
 * Starts an API server that answers every request with 403 and records it. It listens without TLS on
 * the port `http`, and with each of the key pairs.
 */
export async function startRecorder(keyPairs: SecureServers): Promise<Recorder> {
  let received: ReceivedRequest[] = [];
  let known: readonly string[] | undefined;
  const listener = (request: IncomingMessage, response: ServerResponse) =>
    void answer(request, response);
  const servers: Record<string, Server> = { http: createHttpServer(listener) };
  for (const [name, { certificate, key }] of Object.entries(keyPairs)) {
    const options = { cert: certificate, key, requestCert: true, rejectUnauthorized: false };
    servers[name] =
      name === "h2"
        ? createHttp2Server(options, listener as never)
        : createHttpsServer(options, listener);
  }
  const sockets = new Set<Socket>();
  for (const server of Object.values(servers)) {
    server.on("connection", (socket: Socket) => {
      sockets.add(socket.on("close", () => sockets.delete(socket)));
    });
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { authorization } = request.headers;
    const body = (await buffer(request)).toString("latin1");
    const rejected = known !== undefined && !known.includes(authorization ?? "");
    const status = rejected ? 401 : 403;
    received.push(recorded(request, body, status));
    response.writeHead(status, { "content-type": "application/json" });
    const reason = rejected ? "Unauthorized" : "Forbidden";
    const message = rejected
      ? "Unauthorized"
      : 'pods is forbidden: User "x" cannot list resource "pods"';
    response.end(
      JSON.stringify({
        kind: "Status",
        apiVersion: "v1",
        status: "Failure",
        reason,
        message,
        code: status,
      }),
    );
  }

  return {
    ports: Object.fromEntries(
      await Promise.all(
        Object.entries(servers).map(async ([name, server]) => [name, await listening(server)]),
      ),
    ) as Record<string, number>,
    take: () => {
      const taken = received;
      received = [];
      return taken;
    },
    accept: (headers) => {
      known = headers;
    },
    stop: async () => {
      const ends = Object.values(servers).map((server) => closed(server));
      for (const socket of sockets) socket.destroy();
      await Promise.all(ends);
    },
  };
}

function recorded(request: IncomingMessage, body: string, status: number): ReceivedRequest {
  const { pathname } = new URL(request.url ?? "", "http://x");
  const socket = request.socket as Partial<TLSSocket>;
  const [prefix = ""] = pathname.split(/\/apis?(?:\/|$)/);
  const inPath = /\/namespaces\/([^/]+)\/pods/.exec(pathname)?.[1];
  const inBody = REVIEWED.exec(body)?.[1];
  return {
    secure: socket.encrypted === true,
    host: hostOf(request).replace(/:\d+$/, ""),
    prefix,
    sni: typeof socket.servername === "string" ? socket.servername : "",
    authorization: request.headers.authorization,
    certificate: commonName(socket),
    impersonation: impersonationOf(request.rawHeaders),
    namespace: inPath ?? inBody,
    status,
  };
}

/** Returns the host and the port. HTTP/2 has them in a header of its own. */
function hostOf({ headers }: IncomingMessage): string {
  const host = headers.host ?? headers[":authority"];
  return typeof host === "string" ? host : "";
}

function commonName(socket: Partial<TLSSocket>): string | undefined {
  const name = socket.getPeerCertificate?.().subject?.CN;
  return Array.isArray(name) ? name[0] : name;
}

function impersonationOf(raw: readonly string[]): Readonly<Record<string, readonly string[]>> {
  const headers: Record<string, string[]> = {};
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]?.toLowerCase() ?? "";
    const value = Buffer.from(raw[at + 1] ?? "", "latin1").toString("utf8");
    if (name.startsWith("impersonate-")) (headers[name] ??= []).push(value);
  }
  for (const values of Object.values(headers)) values.sort();
  return headers;
}

export async function listening(server: Server, host = "127.0.0.1"): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return (server.address() as AddressInfo).port;
}

export function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
