import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * A TCP relay to a cluster. It counts connections and bytes, and can delay or stall all traffic.
 */
export interface Relay {
  readonly kubeconfig: string;
  /** Returns the number of connections so far. */
  connections(): number;
  /** Returns the bytes that the cluster sent so far, as transferred. */
  bytes(): number;
  /** Delays all further traffic by this time in each direction. */
  slow(milliseconds: number): void;
  /** Forwards nothing more and keeps all connections open. */
  stall(): void;
  stop(): Promise<void>;
}

export async function startRelay(kubeconfig: string): Promise<Relay> {
  const config = await readFile(kubeconfig, "utf8");
  const [address = "", host = "", port = ""] =
    /https:\/\/([\d.]+):(\d+)/.exec(config) ?? ([] as string[]);
  const sockets = new Set<Socket>();
  let [stalled, delay, connections, bytes] = [false, 0, 0, 0];
  const server = createServer((client) => {
    connections += 1;
    const upstream = connect(Number(port), host);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    const pass = (from: Socket, to: Socket) =>
      from.on("data", (chunk) => {
        setTimeout(() => {
          if (!stalled && !to.destroyed) to.write(chunk);
        }, delay);
      });
    upstream.on("data", (chunk) => (bytes += chunk.length));
    pass(client, upstream);
    pass(upstream, client);
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const folder = await mkdtemp(join(tmpdir(), "istio-upgrade-relay-"));
  const own = join(folder, "kubeconfig");
  const { port: ownPort } = server.address() as AddressInfo;
  await writeFile(own, config.replaceAll(address, `https://${host}:${ownPort}`), { mode: 0o600 });
  return {
    kubeconfig: own,
    connections: () => connections,
    bytes: () => bytes,
    slow: (milliseconds) => void (delay = milliseconds),
    stall: () => void (stalled = true),
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await rm(folder, { recursive: true });
    },
  };
}
