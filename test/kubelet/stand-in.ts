import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Behaviour, DEFAULTS, type Role } from "./behaviours.ts";
import { type Blob, createLayer, describeImage, MANIFEST_TYPE } from "./image.ts";
import { nodeAddress } from "./namespaces.ts";

/** The answer of the registry to a pull. */
export interface PullFault {
  readonly status: 401 | 404 | 429;
  /** The seconds for which it lasts, from the first pull on; absent if it never ends. */
  readonly seconds?: number;
}

/** A command of a test worker, as the body of a `POST` to the server. */
export type StandInCommand =
  | {
      readonly kind: "behaviour";
      /** The name of the workload, which is the prefix of the names of its pods. */
      readonly workload: string;
      readonly role: Role;
      readonly behaviour: Behaviour;
    }
  | { readonly kind: "pull-fault"; readonly image: string; readonly fault: PullFault };

export interface StandIn {
  /** The URL of the server. Test workers send their commands to it. */
  readonly url: string;
  close(): void;
}

/**
 * Starts the server that replaces what a cluster has outside: a registry in which every image
 * exists, except for the faults of the tests, and the causes of the behaviour of containers.
 */
export async function startStandIn(folder: string, busybox: string): Promise<StandIn> {
  const blobs = new Map<string, Blob>();
  const faults = new Map<string, { readonly fault: PullFault; until?: number }>();
  const behaviours = new Map<string, Behaviour>();
  const starts = new Map<string, number>();

  const server = createServer((incoming, outgoing) => {
    handle(incoming, outgoing).catch((error: unknown) => {
      outgoing.statusCode = 500;
      outgoing.end(String(error));
    });
  });
  await new Promise<void>((done) => server.listen(0, nodeAddress(), done));
  const url = `http://${nodeAddress()}:${(server.address() as AddressInfo).port}`;
  const layer = await createLayer(folder, busybox, `${url}/behaviours`);
  blobs.set(layer.digest, layer);
  return {
    url,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { pathname } = new URL(incoming.url ?? "", url);
    if (incoming.method === "POST") {
      obey(JSON.parse(await read(incoming)) as StandInCommand);
      return void outgoing.end();
    }
    const [, first, ...rest] = pathname.split("/");
    if (first === "behaviours")
      return void outgoing.end(nextScript(rest[0] ?? "", rest[1] as Role));
    if (first === "token") return void outgoing.writeHead(401).end();
    servePull(pathname, outgoing);
  }

  function obey(command: StandInCommand): void {
    switch (command.kind) {
      case "behaviour":
        behaviours.set(`${command.workload}/${command.role}`, command.behaviour);
        break;
      case "pull-fault":
        // Requests do not contain the host of the registry.
        faults.set(command.image.replace(/^[^/]+\//, ""), { fault: command.fault });
        break;
    }
  }

  /** The host name of a container is the name of its pod: of all prefixes, the longest applies. */
  function nextScript(pod: string, role: Role): string {
    const parts = pod.split("-");
    for (let length = parts.length; length > 0; length--) {
      const behaviour = behaviours.get(`${parts.slice(0, length).join("-")}/${role}`);
      if (behaviour === undefined) continue;
      const start = starts.get(`${pod}/${role}`) ?? 0;
      starts.set(`${pod}/${role}`, start + 1);
      return behaviour[Math.min(start, behaviour.length - 1)] as string;
    }
    return DEFAULTS[role];
  }

  function faultOf(image: string): number | undefined {
    const found = faults.get(image);
    if (found === undefined) return undefined;
    found.until ??= Date.now() + (found.fault.seconds ?? Infinity) * 1000;
    return Date.now() < found.until ? found.fault.status : undefined;
  }

  /** Serves the part of the protocol of a registry that a pull uses. */
  function servePull(path: string, outgoing: ServerResponse): void {
    const [, repository = "", kind, reference = ""] =
      /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(path) ?? [];
    if (kind === "blobs")
      return sendBlob(outgoing, blobs.get(reference), "application/octet-stream");
    const status = faultOf(`${repository}:${reference}`);
    if (status !== undefined) {
      const realm = `Bearer realm="${url}/token",service="registry"`;
      const headers = status === 401 ? { "WWW-Authenticate": realm } : {};
      return void outgoing.writeHead(status, headers).end();
    }
    if (blobs.has(reference)) return sendBlob(outgoing, blobs.get(reference), MANIFEST_TYPE);
    const { config, manifest } = describeImage(`${repository}:${reference}`, layer);
    for (const one of [config, manifest]) blobs.set(one.digest, one);
    sendBlob(outgoing, manifest, MANIFEST_TYPE);
  }
}

function sendBlob(outgoing: ServerResponse, blob: Blob | undefined, type: string): void {
  if (blob === undefined) return void outgoing.writeHead(404).end();
  const { digest, content } = blob;
  outgoing.writeHead(200, {
    "Content-Type": type,
    "Content-Length": content.length,
    "Docker-Content-Digest": digest,
  });
  // Node.js omits the body of the answer to HEAD.
  outgoing.end(content);
}

/** Sends a command to the server. */
export async function sendCommand(url: string, sent: StandInCommand): Promise<void> {
  const { ok, status } = await fetch(url, { method: "POST", body: JSON.stringify(sent) });
  if (!ok) throw new Error(`the stand-in answered ${status}`);
}

async function read(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
