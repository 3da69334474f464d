import { randomBytes } from "node:crypto";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { serverKeyPair } from "../connection/certificates.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { createPodWebhook } from "./pod-webhook.ts";
import type { Sandbox } from "./sandbox.ts";

/**
 * Starts a webhook that adds a random identity and the time to every pod of the namespace, and a
 * container with a random name. Returns a function that ends it.
 */
export async function stampPods(
  cluster: TestCluster,
  sandbox: Sandbox,
): Promise<() => Promise<void>> {
  const { certificate, key } = await serverKeyPair();
  const server = createServer({ cert: certificate, key }, (request, response) => {
    response.setHeader("Content-Type", "application/json");
    void text(request).then((body) => response.end(answerTo(JSON.parse(body))));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const caBundle = Buffer.from(certificate).toString("base64");
  const remove = await createPodWebhook(cluster, sandbox, {
    prefix: "a-stamp",
    name: "stamp.example.com",
    clientConfig: { url: `https://127.0.0.1:${port}/stamp`, caBundle },
  });
  return async () => {
    await remove();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
}

interface Review {
  readonly apiVersion: string;
  readonly kind: string;
  readonly request: { readonly uid: string; readonly object: Pod };
}

function answerTo({ apiVersion, kind, request: { uid, object } }: Review): string {
  const patch = Buffer.from(JSON.stringify(stamped(object))).toString("base64");
  const response = { uid, allowed: true, patchType: "JSONPatch", patch };
  return JSON.stringify({ apiVersion, kind, response });
}

interface Pod {
  readonly metadata: { readonly annotations?: object };
  readonly spec: { readonly containers: readonly { readonly env?: readonly unknown[] }[] };
}

function stamped({ metadata, spec }: Pod): readonly object[] {
  const id = randomBytes(4).toString("hex");
  const variable = { name: "AGENT_ID", value: id };
  const annotations = {
    ...metadata.annotations,
    "agent.example.com/id": id,
    "agent.example.com/at": new Date().toISOString().slice(0, 19),
  };
  const [app] = spec.containers;
  return [
    { op: "add", path: "/metadata/annotations", value: annotations },
    { op: "add", path: "/spec/containers/0/env", value: [...(app?.env ?? []), variable] },
    { op: "add", path: "/spec/containers/-", value: { name: `agent-${id}`, image: "agent:1" } },
  ];
}
