import { Agent, request as send } from "node:https";
import type { Answer, RequestOptions } from "../support/test-cluster.ts";

export interface Api {
  readonly request: (method: string, path: string, options?: RequestOptions) => Promise<Answer>;
  readonly close: () => void;
}

/** Connects to an API server with a token. Connections stay open until `close`. */
export function connectApi(server: string, ca: string, token: string, userAgent: string): Api {
  const agent = new Agent({ keepAlive: true, ca });
  const api: Api = {
    request(method, path, options = {}) {
      const body = encode(options.body);
      const headers = {
        authorization: `Bearer ${token}`,
        accept: "application/json",
        "user-agent": userAgent,
        ...(body !== undefined && {
          "content-type": options.contentType ?? "application/json",
          "content-length": Buffer.byteLength(body),
        }),
        ...lowercaseNames(options.headers ?? {}),
      };
      return new Promise((resolve, reject) => {
        const outgoing = send(new URL(path, server), { method, headers, agent }, (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
          incoming.on("error", reject);
          incoming.on("end", () => {
            resolve({
              status: incoming.statusCode ?? 0,
              headers: incoming.headers,
              body: decode(Buffer.concat(chunks), incoming.headers["content-type"]),
            });
          });
        });
        outgoing.on("error", (error: NodeJS.ErrnoException) => {
          // The API server closes a connection that was idle for 90 seconds.
          const isStale = outgoing.reusedSocket && STALE.has(error.code ?? "");
          if (isStale) resolve(api.request(method, path, options));
          else reject(error);
        });
        outgoing.end(body);
      });
    },
    close: () => agent.destroy(),
  };
  return api;
}

/** The errors of a request on a connection that the API server has closed meanwhile. */
const STALE: ReadonlySet<string> = new Set(["EPIPE", "ECONNRESET"]);

function encode(body: unknown): string | undefined {
  if (body === undefined) return undefined;
  return typeof body === "string" ? body : JSON.stringify(body);
}

function decode(body: Buffer, contentType = ""): unknown {
  const text = body.toString("utf8");
  if (!contentType.startsWith("application/json") || text === "") return text;
  try {
    return JSON.parse(text);
  } catch {
    // The answer of a watch is a sequence of documents.
    return text;
  }
}

function lowercaseNames(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}
