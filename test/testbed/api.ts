import { Agent, request as send } from "node:https";
import type { Answer, RequestOptions } from "../support/test-cluster.ts";

export interface Api {
  readonly request: (method: string, path: string, options?: RequestOptions) => Promise<Answer>;
  readonly close: () => void;
}

/** Connects to an API server with a token. Connections stay open until `close`. */
export function connectApi(server: string, ca: string, token: string, userAgent: string): Api {
  const agent = new Agent({ keepAlive: true, ca });
  return {
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
        outgoing.on("error", reject);
        outgoing.end(body);
      });
    },
    close: () => agent.destroy(),
  };
}

function encode(body: unknown): string | undefined {
  if (body === undefined) return undefined;
  return typeof body === "string" ? body : JSON.stringify(body);
}

function decode(body: Buffer, contentType = ""): unknown {
  const text = body.toString("utf8");
  return contentType.startsWith("application/json") && text !== "" ? JSON.parse(text) : text;
}

function lowercaseNames(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}
