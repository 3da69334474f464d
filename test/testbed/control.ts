import { createServer, request, type IncomingMessage } from "node:http";
import type { TestRevision, TestRule } from "../support/test-cluster.ts";

/** What only the bed's own process can do, as it has the programs and the tunnel. */
export interface Orders {
  installRevision(revision: TestRevision): Promise<void>;
  removeRevision(revision: string): Promise<void>;
  moveImage(revision: string, image: string): Promise<void>;
  setTag(tag: string, revision: string): Promise<void>;
  removeTag(tag: string): Promise<void>;
  breakRevision(revision: string): Promise<void>;
  mendRevision(revision: string): Promise<void>;
  installArgoRollouts(): Promise<void>;
  userKubeconfig(user: string, rules: readonly TestRule[]): Promise<string>;
}

type Method = (...args: unknown[]) => Promise<unknown>;

/** Takes orders on a Unix socket: the method is the path, its arguments a JSON array. */
export async function takeOrders(socket: string, orders: Orders): Promise<void> {
  const methods = new Map<string, Method>(Object.entries(orders));
  const server = createServer(async (incoming, outgoing) => {
    try {
      const method = methods.get(incoming.url?.slice(1) ?? "");
      if (method === undefined) throw new Error(`no order ${incoming.url}`);
      const result = await method(...JSON.parse(await read(incoming)));
      outgoing.end(JSON.stringify({ result }));
    } catch (error) {
      outgoing.statusCode = 500;
      outgoing.end(JSON.stringify({ error: (error as Error).message }));
    }
  });
  server.requestTimeout = 0;
  await new Promise<void>((done, failed) => server.once("error", failed).listen(socket, done));
}

/** Gives orders to the process that takes them at `socket`. */
export function giveOrders(socket: string): Orders {
  function order<Result>(name: keyof Orders, ...args: unknown[]): Promise<Result> {
    return new Promise((resolve, reject) => {
      const outgoing = request({ socketPath: socket, method: "POST", path: `/${name}` });
      outgoing.on("error", reject).on("response", (incoming) => {
        resultOf<Result>(incoming).then(resolve, reject);
      });
      outgoing.end(JSON.stringify(args));
    });
  }
  return {
    installRevision: (revision) => order("installRevision", revision),
    removeRevision: (revision) => order("removeRevision", revision),
    moveImage: (revision, image) => order("moveImage", revision, image),
    setTag: (tag, revision) => order("setTag", tag, revision),
    removeTag: (tag) => order("removeTag", tag),
    breakRevision: (revision) => order("breakRevision", revision),
    mendRevision: (revision) => order("mendRevision", revision),
    installArgoRollouts: () => order("installArgoRollouts"),
    userKubeconfig: (user, rules) => order("userKubeconfig", user, rules),
  };
}

async function resultOf<Result>(answer: IncomingMessage): Promise<Result> {
  const { result, error } = JSON.parse(await read(answer));
  if (error !== undefined) throw new Error(error);
  return result;
}

async function read(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
