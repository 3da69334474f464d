import {
  createServer as createHttpServer,
  type IncomingMessage,
  request,
  type Server,
} from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { connect, createServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { KeyPair } from "./certificates.ts";
import { closed, listening } from "./recorder.ts";

export interface Proxies {
  readonly httpPort: number;
  readonly httpsPort: number;
  readonly socksPort: number;
  /** Returns the targets since the last call, such as `http api.test:443` or `http me@api.test:443`. */
  take(): readonly string[];
  stop(): Promise<void>;
}

/** Starts three proxies that resolve every name to this machine and keep the port. */
export async function startProxies({ certificate, key }: KeyPair): Promise<Proxies> {
  let used: string[] = [];
  const sockets = new Set<Duplex>();
  const track = (socket: Duplex) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy()).on("close", () => sockets.delete(socket));
  };
  const onConnect = (kind: string) => (incoming: IncomingMessage, socket: Duplex) => {
    track(socket);
    used.push(`${kind} ${userOf(incoming)}${incoming.url}`);
    // The name of this host makes the proxy itself reject the connection.
    if (incoming.url?.startsWith("refused.test:")) {
      socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
      return;
    }
    const upstream = connect(Number(incoming.url?.split(":").at(-1)), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      socket.pipe(upstream).pipe(socket);
    });
    track(upstream);
  };

  function openHttp(kind: "http" | "https"): Server {
    const server =
      kind === "http" ? createHttpServer() : createHttpsServer({ cert: certificate, key });
    server.on("connect", onConnect(kind));
    // A request without CONNECT is plain HTTP, and its URL is absolute.
    server.on("request", (incoming, response) => {
      const url = new URL(incoming.url ?? "");
      used.push(`${kind} ${userOf(incoming)}${url.host}`);
      const { method, headers } = incoming;
      const onward = { port: url.port, host: "127.0.0.1", path: url.pathname + url.search };
      incoming.pipe(
        request({ ...onward, method, headers }, (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        }),
      );
    });
    return server;
  }

  const socks = createServer((socket) => {
    track(socket);
    void lead(socket);
  });

  async function lead(socket: Socket): Promise<void> {
    const target = await greet(socket);
    used.push(`socks5 ${target}`);
    const upstream = connect(Number(target.split(":").at(-1)), "127.0.0.1", () => {
      socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
      socket.pipe(upstream).pipe(socket);
    });
    track(upstream);
  }

  const servers = [openHttp("http"), openHttp("https"), socks] as const;
  const [httpPort, httpsPort, socksPort] = await Promise.all(
    servers.map((server) => listening(server)),
  );
  return {
    httpPort: httpPort ?? 0,
    httpsPort: httpsPort ?? 0,
    socksPort: socksPort ?? 0,
    take: () => {
      const taken = [...new Set(used)];
      used = [];
      return taken;
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      const [http, https] = servers;
      for (const server of [http, https]) server.closeAllConnections();
      await Promise.all(servers.map((server) => closed(server)));
    },
  };
}

function userOf({ headers }: IncomingMessage): string {
  const [, encoded] = (headers["proxy-authorization"] ?? "").split(" ");
  return encoded === undefined ? "" : `${Buffer.from(encoded, "base64").toString()}@`;
}

/** Runs the handshake of SOCKS 5 (RFC 1928) without authentication, and returns the target. */
async function greet(socket: Socket): Promise<string> {
  await chunkOf(socket);
  socket.write(Buffer.from([5, 0]));
  const incoming = await chunkOf(socket);
  const port = incoming.readUInt16BE(incoming.length - 2);
  const named = incoming[3] === 3;
  const host = named
    ? incoming.subarray(5, incoming.length - 2).toString()
    : incoming.subarray(4, 8).join(".");
  return `${host}:${port}`;
}

function chunkOf(socket: Socket): Promise<Buffer> {
  return new Promise((resolve) => socket.once("data", resolve));
}
