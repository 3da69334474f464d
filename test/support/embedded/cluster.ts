import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import type { TestCluster } from "../test-cluster.ts";
import type { User } from "./access.ts";
import { type EmbeddedOptions, startControllers } from "./controllers.ts";
import {
  ISTIO_NAMESPACE,
  loadInjectorConfigs,
  revisionObjects,
  tagWebhooks,
  withImage,
} from "./istio.ts";
import { ARGO, type KubeObject } from "./kinds.ts";
import { nodeObjects } from "./nodes.ts";
import { type LoggedRequest, startServer } from "./server.ts";
import { Store } from "./store.ts";
import { managedBy } from "./managed-fields.ts";
import { create, now, remove, update } from "./write.ts";

export interface EmbeddedCluster extends TestCluster {
  readonly kind: "embedded";
  /** All requests since the start, including the cluster's own. */
  readonly requests: readonly LoggedRequest[];
  /**
   * Stores objects as they are, with their status, and stops the controllers, which would change
   * it.
   */
  put(objects: readonly KubeObject[]): void;
  /** Lets the server answer all continue tokens from before this call with 410. */
  expireContinueTokens(): void;
}

/**
 * Starts an API server with controllers and an injector in this process. It shares no code with
 * `src/`.
 */
export async function startEmbeddedCluster(
  options: Partial<EmbeddedOptions> = {},
): Promise<EmbeddedCluster> {
  const timing = { nodes: 2, startMs: 30, terminateMs: 20, lagMs: 20, ...options };
  const store = new Store();
  loadInjectorConfigs(store);
  const stopControllers = startControllers(store, timing);
  for (const name of ["default", "kube-system", ISTIO_NAMESPACE]) {
    create(store, { kind: "Namespace", metadata: { name } });
  }
  for (const node of nodeObjects(timing.nodes)) create(store, node);
  const users = new Map<string, User>();
  const requests: LoggedRequest[] = [];
  const server = await startServer(store, users, (request) => requests.push(request));
  const authority = Buffer.from(server.certificate).toString("base64");
  const folder = await mkdtemp(join(tmpdir(), "istio-upgrade-"));
  const adminToken = randomUUID();
  const kubeconfig = await login({ name: "admin" }, adminToken);

  /** Adds a user. Returns the path of the user's kubeconfig. */
  async function login(user: User, token: string): Promise<string> {
    // Like bindings, new permissions apply to every token of the user.
    for (const [other, { name }] of users) if (name === user.name) users.set(other, user);
    users.set(token, user);
    const cluster = { server: server.url, "certificate-authority-data": authority };
    const config = {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "test", cluster }],
      users: [{ name: user.name, user: { token } }],
      contexts: [{ name: "test", context: { cluster: "test", user: user.name } }],
      "current-context": "test",
    };
    const path = join(folder, `${token}.kubeconfig`);
    await writeFile(path, JSON.stringify(config), { mode: 0o600 });
    return path;
  }

  async function moveImage(revision: string, image: string): Promise<void> {
    const map = store.get("ConfigMap", ISTIO_NAMESPACE, `istio-sidecar-injector-${revision}`);
    if (map === undefined) throw new Error(`no revision ${revision} is installed`);
    update(store, map, managedBy(map, withImage(map, image), "test", now()));
  }

  async function removeTag(tag: string): Promise<void> {
    const name = `istio-revision-tag-${tag}-${ISTIO_NAMESPACE}`;
    const webhooks = store.get("MutatingWebhookConfiguration", undefined, name);
    if (webhooks) remove(store, webhooks);
  }

  return {
    kind: "embedded",
    kubeconfig,
    requests,
    request: (method, path, { body, contentType = "application/json", headers = {} } = {}) =>
      new Promise((resolve, reject) => {
        const sent = {
          authorization: `Bearer ${adminToken}`,
          "content-type": contentType,
          ...headers,
        };
        const tls = { ca: server.certificate, method, headers: sent };
        const outgoing = httpsRequest(server.url + path, tls, (response) => {
          const { statusCode: status = 0, headers: got } = response;
          text(response)
            .then((answer) => resolve({ status, headers: got, body: parsed(answer) }))
            .catch(reject);
        });
        outgoing.on("error", reject);
        outgoing.end(body === undefined ? undefined : JSON.stringify(body));
      }),
    put(objects) {
      stopControllers();
      for (const object of objects) store.put(object);
    },
    expireContinueTokens() {
      store.compacted = store.version;
    },
    moveImage,
    removeTag,
    async installRevision(revision) {
      const { name, image } = revision;
      const istiod = () => store.get("Deployment", ISTIO_NAMESPACE, `istiod-${name}`);
      if (istiod()) return moveImage(name, image);
      for (const object of revisionObjects(revision, authority)) create(store, object);
      while (!istiod()?.status.availableReplicas) await sleep(5);
    },
    async removeRevision(revision) {
      const name = `istiod-${revision}`;
      const webhooks = `istio-sidecar-injector-${revision}-${ISTIO_NAMESPACE}`;
      const found = [
        store.get("Deployment", ISTIO_NAMESPACE, name),
        store.get("Service", ISTIO_NAMESPACE, name),
        store.get("ConfigMap", ISTIO_NAMESPACE, `istio-sidecar-injector-${revision}`),
        store.get("MutatingWebhookConfiguration", undefined, webhooks),
      ];
      for (const object of found) if (object) remove(store, object);
    },
    async setTag(tag, revision) {
      await removeTag(tag);
      create(store, tagWebhooks(tag, revision, authority));
    },
    async installArgoRollouts() {
      store.installed.add(ARGO);
    },
    userKubeconfig: (name, rules) => login({ name, rules }, randomUUID()),
    async stop() {
      stopControllers();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Returns the value of JSON, otherwise the text: the answer of a watch is a sequence of documents. */
function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}
