import {
  createServer as createHttpServer,
  type IncomingMessage,
  request,
  type Server,
} from "node:http";
import { createServer as createHttpsServer } from "node:https";
import {
  type AddressInfo,
  connect,
  createServer,
  type Server as NetServer,
  type Socket,
} from "node:net";
import { networkInterfaces } from "node:os";
import { type Duplex, pipeline } from "node:stream";
import type { KeyPair } from "./certificates.ts";
import { closed, listening } from "./recorder.ts";

export interface Proxies {
  readonly httpPort: number;
  readonly httpsPort: number;
  /** The port of an HTTPS proxy with the other certificate. */
  readonly otherHttpsPort: number;
  readonly socksPort: number;
  /** The ports of the first and the last proxy on the IPv6 address `::1`, if this machine has one. */
  readonly ipv6Ports: { readonly http: number; readonly socks: number };
  /** Returns the targets since the last call, such as `http api.test:443` or `http me@api.test:443`. */
  take(): readonly string[];
  stop(): Promise<void>;
}

/** Starts proxies that resolve every name to this machine and keep the port. */
export async function startProxies(main: KeyPair, other: KeyPair): Promise<Proxies> {
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

  function openHttp(kind: "http" | "https", { certificate, key }: KeyPair): Server {
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

  const withHttp = [openHttp("http", main), openHttp("https", main), openHttp("https", other)];
  const servers = [...withHttp, socks];
  const [httpPort, httpsPort, otherHttpsPort, socksPort] = await Promise.all(
    servers.map((server) => listening(server)),
  );
  const http6 = await relayFrom6(httpPort ?? 0);
  const socks6 = await relayFrom6(socksPort ?? 0);
  return {
    httpPort: httpPort ?? 0,
    httpsPort: httpsPort ?? 0,
    otherHttpsPort: otherHttpsPort ?? 0,
    socksPort: socksPort ?? 0,
    ipv6Ports: { http: portOf(http6), socks: portOf(socks6) },
    take: () => {
      const taken = [...new Set(used)];
      used = [];
      return taken;
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      for (const server of withHttp) server.closeAllConnections();
      await Promise.all(
        [...servers, http6, socks6].flatMap((server) => (server ? [closed(server)] : [])),
      );
    },
  };
}

/** Opens a port on `::1` for a port on `127.0.0.1`, unless there is no `::1`. */
async function relayFrom6(target: number): Promise<NetServer | undefined> {
  if (!HAS_IPV6) return undefined;
  const relay = createServer((socket) => {
    const onward = connect(target, "127.0.0.1");
    pipeline(socket, onward, socket, () => undefined);
  });
  await listening(relay, "::1");
  return relay;
}

function portOf(server: NetServer | undefined): number {
  return (server?.address() as AddressInfo | undefined)?.port ?? 0;
}

/** True if this machine has the IPv6 address `::1`. */
export const HAS_IPV6 = Object.values(networkInterfaces())
  .flat()
  .some((one) => one?.address === "::1");

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
  return `${addressIn(incoming)}:${port}`;
}

function addressIn(incoming: Buffer): string {
  const end = incoming.length - 2;
  if (incoming[3] === 3) return incoming.subarray(5, end).toString();
  const address = incoming.subarray(4, end);
  if (incoming[3] === 1) return address.join(".");
  return `[${address.toString("hex").replaceAll(/(?<=.)(?=(?:....)+$)/g, ":")}]`;
}

function chunkOf(socket: Socket): Promise<Buffer> {
  return new Promise((resolve) => socket.once("data", resolve));
}
