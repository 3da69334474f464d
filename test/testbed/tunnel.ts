import { createServer, type Server } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";

/**
 * The connection from the API server to the webhooks. The API server sends CONNECT for a Service's
 * address, which does not exist, and the tunnel connects to the local port of the istiod behind
 * that Service.
 */
export interface Tunnel {
  /** @param address the Service's address, such as `10.0.3.4:443`. */
  route(address: string, port: number): void;
  unroute(address: string): void;
  /** Also closes the open connections, which the API server would otherwise reuse. */
  breakRoute(address: string): void;
  restoreRoute(address: string): void;
  close(): void;
}

export async function openTunnel(socket: string): Promise<Tunnel> {
  const routes = new Map<string, number>();
  const broken = new Set<string>();
  const open = new Map<string, Set<Duplex>>();
  const server = createServer();

  server.on("connect", ({ url: address = "" }, client: Duplex) => {
    const port = routes.get(address);
    client.on("error", () => client.destroy());
    if (port === undefined || broken.has(address)) {
      client.end("HTTP/1.1 503 connection refused\r\n\r\n");
      return;
    }
    const istiod = connect(port, "127.0.0.1", () => {
      client.write("HTTP/1.1 200 OK\r\n\r\n");
      client.pipe(istiod).pipe(client);
    });
    const ends = [client, istiod];
    const group = open.get(address) ?? new Set();
    open.set(address, group);
    for (const end of ends) {
      group.add(end);
      end.on("error", () => end.destroy());
      end.on("close", () => {
        for (const other of ends) other.destroy();
        group.delete(end);
      });
    }
  });
  await listen(server, socket);

  function closeConnections(address: string): void {
    for (const end of open.get(address) ?? []) end.destroy();
  }
  return {
    route: (address, port) => void routes.set(address, port),
    unroute(address) {
      routes.delete(address);
      broken.delete(address);
      closeConnections(address);
    },
    breakRoute(address) {
      broken.add(address);
      closeConnections(address);
    },
    restoreRoute: (address) => void broken.delete(address),
    close() {
      server.close();
      for (const address of open.keys()) closeConnections(address);
    },
  };
}

async function listen(server: Server, socket: string): Promise<void> {
  await new Promise<void>((done, failed) => {
    server.once("error", failed).listen(socket, done);
  });
}
