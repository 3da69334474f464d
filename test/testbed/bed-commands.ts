import { createServer, request, type IncomingMessage } from "node:http";
import type { TestRevision, TestRule } from "../support/test-cluster.ts";

/**
 * The commands that only the bed's process can execute, because it has the programs and the tunnel.
 */
export interface BedCommands {
  installRevision(revision: TestRevision): Promise<void>;
  removeRevision(revision: string): Promise<void>;
  moveImage(revision: string, image: string): Promise<void>;
  setTag(tag: string, revision: string): Promise<void>;
  removeTag(tag: string): Promise<void>;
  /** Removes all revisions and tags. */
  removeControlPlanes(): Promise<void>;
  breakRevision(revision: string): Promise<void>;
  restoreRevision(revision: string): Promise<void>;
  installArgoRollouts(): Promise<void>;
  userKubeconfig(user: string, rules: readonly TestRule[]): Promise<string>;
}

type Method = (...args: unknown[]) => Promise<unknown>;

/**
 * Serves commands on a Unix socket. The path is the method, and the body a JSON array of its
 * arguments.
 */
export async function serveCommands(socket: string, commands: BedCommands): Promise<void> {
  const methods = new Map<string, Method>(Object.entries(commands));
  const server = createServer(async (incoming, outgoing) => {
    try {
      const method = methods.get(incoming.url?.slice(1) ?? "");
      if (method === undefined) throw new Error(`no command ${incoming.url}`);
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

/** Returns a client for the commands that are served on `socket`. */
export function createCommandClient(socket: string): BedCommands {
  function send<Result>(name: keyof BedCommands, ...args: unknown[]): Promise<Result> {
    return new Promise((resolve, reject) => {
      const outgoing = request({ socketPath: socket, method: "POST", path: `/${name}` });
      outgoing.on("error", reject).on("response", (incoming) => {
        resultOf<Result>(incoming).then(resolve, reject);
      });
      outgoing.end(JSON.stringify(args));
    });
  }
  return {
    installRevision: (revision) => send("installRevision", revision),
    removeRevision: (revision) => send("removeRevision", revision),
    moveImage: (revision, image) => send("moveImage", revision, image),
    setTag: (tag, revision) => send("setTag", tag, revision),
    removeTag: (tag) => send("removeTag", tag),
    removeControlPlanes: () => send("removeControlPlanes"),
    breakRevision: (revision) => send("breakRevision", revision),
    restoreRevision: (revision) => send("restoreRevision", revision),
    installArgoRollouts: () => send("installArgoRollouts"),
    userKubeconfig: (user, rules) => send("userKubeconfig", user, rules),
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
