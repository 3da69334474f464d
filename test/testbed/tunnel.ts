import { createServer, type Server } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";

/**
 * The way from the API server to the webhooks. It asks us to CONNECT to a Service's address, which
 * exists nowhere, and we connect it to the local port of the istiod behind that Service.
 */
export interface Tunnel {
  /** `address`: `10.0.3.4:443` */
  route(address: string, port: number): void;
  unroute(address: string): void;
  /** Ends the open connections too: otherwise the API server goes on using them. */
  breakRoute(address: string): void;
  mendRoute(address: string): void;
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
    mendRoute: (address) => void broken.delete(address),
  };
}

async function listen(server: Server, socket: string): Promise<void> {
  await new Promise<void>((done, failed) => {
    server.once("error", failed).listen(socket, done);
  });
}
