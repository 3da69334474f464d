import type { IncomingMessage, ServerResponse } from "node:http";
import { Agent, createServer, request as send } from "node:https";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";
import { generate } from "selfsigned";
import type { PlainBed } from "./plain-bed.ts";

const zip = promisify(gzip);
/** The API server's threshold for compression, for which it uses the fastest level. */
const ZIPPED_FROM = 128 * 1024;

/** A proxy that counts the traffic of the API server, and answers some requests itself. */
export interface Front {
  readonly url: string;
  /** The certificate of its authority, in PEM. */
  readonly ca: string;
  /** Returns the counts since the last call. */
  take(): Counts;
  stop(): void;
}

export interface Counts {
  readonly requests: number;
  /** The size of the bodies as they were sent. */
  readonly bytes: number;
}

/** Returns the body of an answer; `undefined` if the API server must answer. */
export type Generate = (url: URL, accept: string) => Buffer | undefined;

export async function startFront(bed: PlainBed, generated: Generate): Promise<Front> {
  const { cert, private: key } = await generate([{ name: "commonName", value: "front" }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions: [
      { name: "basicConstraints", cA: true },
      { name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] },
    ],
  });
  const upstream = new Agent({ keepAlive: true, ca: bed.ca });
  let requests = 0;
  let bytes = 0;

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    requests += 1;
    const url = new URL(request.url ?? "/", bed.server);
    const body = generated(url, request.headers.accept ?? "");
    if (body === undefined) return forward(url, request, response);
    const zipped = body.length > ZIPPED_FROM;
    const sent = zipped ? await zip(body, { level: constants.Z_BEST_SPEED }) : body;
    bytes += sent.length;
    response.writeHead(200, {
      "content-type": "application/vnd.kubernetes.protobuf",
      ...(zipped && { "content-encoding": "gzip" }),
    });
    response.end(sent);
  }

  function forward(url: URL, request: IncomingMessage, response: ServerResponse): void {
    const { host: _host, connection: _connection, ...headers } = request.headers;
    const options = { agent: upstream, method: request.method, headers };
    const asked = send(url, options, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on("data", (chunk: Buffer) => (bytes += chunk.length));
      answer.pipe(response);
    });
    asked.on("error", () => response.destroy());
    request.pipe(asked);
  }

  const server = createServer({ key, cert }, (request, response) => {
    void respond(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ca: cert,
    take: () => {
      const counts = { requests, bytes };
      [requests, bytes] = [0, 0];
      return counts;
    },
    stop: () => {
      server.close();
      server.closeAllConnections();
      upstream.destroy();
    },
  };
}
