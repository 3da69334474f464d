import type { RequestListener } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { generate } from "selfsigned";

/** An HTTPS server that can refuse connections and present wrong certificates. */
export interface TlsServer {
  readonly url: string;
  /**
   * The certificates in PEM for the client's kubeconfig. The expired one is included, so that only
   * its dates are wrong.
   */
  readonly authorities: string;
  /** Stops listening and closes all connections. */
  readonly close: () => void;
  /** Listens again, with its own certificate. */
  readonly open: () => Promise<void>;
  /**
   * Closes all connections and presents another certificate to the next connection or to all of
   * them.
   */
  readonly present: (certificate: "foreign" | "expired", times: "once" | "always") => void;
  readonly connections: () => number;
  readonly stop: () => Promise<void>;
}

const DAY = 24 * 3600 * 1000;

export async function startTlsServer(listener: RequestListener): Promise<TlsServer> {
  const own = await selfSigned({});
  const since = (days: number) => new Date(Date.now() - days * DAY);
  const certificates = {
    foreign: await selfSigned({}),
    expired: await selfSigned({ notBeforeDate: since(30), notAfterDate: since(1) }),
  };
  const sockets = new Set<Socket>();
  const https = createServer(own, listener);
  let bad: "once" | undefined;
  https.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    // The handshake of this connection already has its certificate.
    if (bad === "once") https.setSecureContext(own);
    bad = undefined;
  });
  https.on("tlsClientError", () => undefined);
  https.on("secureConnection", (socket) => socket.on("error", () => undefined));
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      https.once("error", reject);
      https.listen(port, "127.0.0.1", () => resolve(https.off("error", reject) && undefined));
    });
  await listen(0);
  const { port } = https.address() as AddressInfo;
  const drop = () => sockets.forEach((socket) => socket.destroy());
  return {
    url: `https://127.0.0.1:${port}`,
    authorities: `${own.cert}\n${certificates.expired.cert}`,
    close() {
      https.close();
      drop();
    },
    async open() {
      bad = undefined;
      https.setSecureContext(own);
      if (!https.listening) await listen(port);
    },
    present(certificate, times) {
      https.setSecureContext(certificates[certificate]);
      bad = times === "once" ? times : undefined;
      drop();
    },
    connections: () => sockets.size,
    stop: () =>
      new Promise((resolve) => {
        https.close(() => resolve());
        drop();
      }),
  };
}

async function selfSigned(validity: {
  readonly notBeforeDate?: Date;
  readonly notAfterDate?: Date;
}): Promise<{ readonly cert: string; readonly key: string }> {
  const { cert, private: key } = await generate([{ name: "commonName", value: "proxy" }], {
    keyType: "ec",
    algorithm: "sha256",
    ...validity,
    extensions: [
      { name: "basicConstraints", cA: true },
      { name: "subjectAltName", altNames: [{ type: 7 as const, ip: "127.0.0.1" }] },
    ],
  });
  return { cert, key };
}
