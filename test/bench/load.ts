import { randomUUID } from "node:crypto";
import pLimit from "p-limit";
import type { Answer } from "../support/test-cluster.ts";
import type { Api } from "../testbed/api.ts";
import { ISTIO_NAMESPACE, REVISION, type Shape, type Shapes } from "./shapes.ts";

type KubeObject = Answer["body"];

export interface Size {
  readonly namespaces: number;
  /** The number of Deployments in each namespace. */
  readonly deployments: number;
}

const PODS = 4;
const OLD_REPLICA_SETS = 5;

export function namespaceName(index: number): string {
  return `shop-${String(index).padStart(5, "0")}`;
}

/** Creates the objects of the control plane. In a plain bed, nothing acts on them. */
export async function loadControlPlane(api: Api, { controlPlane }: Shapes): Promise<void> {
  await create(api, "/api/v1/namespaces", { metadata: { name: ISTIO_NAMESPACE } });
  for (const { path, object } of controlPlane) {
    if (object.metadata.name === "kube-root-ca.crt") continue;
    // A webhook that nobody serves would reject every pod.
    if (object.kind === "MutatingWebhookConfiguration") continue;
    await createWithStatus(api, path, object);
  }
}

/** Creates the webhooks, and the ConfigMap again: the pods must be older than their target. */
export async function loadWebhooks(
  api: Api,
  { controlPlane }: Shapes,
  caBundle: string,
): Promise<void> {
  for (const { path, object } of controlPlane) {
    if (object.kind === "MutatingWebhookConfiguration") {
      await create(api, path, { ...object, webhooks: object.webhooks.map(trusting) });
    }
    if (object.metadata.name.startsWith("istio-sidecar-injector") && object.kind === "ConfigMap") {
      const { name } = object.metadata;
      answered(path, await api.request("DELETE", `${path}/${name}`, { body: {} }));
      await create(api, path, object);
    }
  }

  function trusting(webhook: KubeObject): KubeObject {
    return { ...webhook, clientConfig: { ...webhook.clientConfig, caBundle } };
  }
}

/**
 * Creates the objects of a cluster in the API server: per namespace, the Deployments with four pods
 * and five old ReplicaSets each, a StatefulSet with two pods, and in every fifth namespace a
 * DaemonSet with three.
 *
 * @returns the number of pods.
 */
export async function load(
  api: Api,
  shapes: Shapes,
  size: Size,
  progress: (pods: number) => void,
  first = 0,
): Promise<number> {
  const limit = pLimit(24);
  let pods = 0;
  const indices = Array.from({ length: size.namespaces }, (_, index) => first + index);
  await Promise.all(
    indices.map(async (index) => {
      const namespace = namespaceName(index);
      await limit(() => createNamespace(api, namespace));
      const workloads = Array.from({ length: size.deployments }, (_, number) =>
        limit(async () => {
          const name = `web-${String(number).padStart(3, "0")}`;
          await loadWorkload(api, shapes.deployment, namespace, name, PODS);
          pods += PODS;
          progress(pods);
        }),
      );
      await Promise.all([
        ...workloads,
        limit(() => loadWorkload(api, shapes.statefulSet, namespace, "db", 2)),
        ...(index % 5 === 0
          ? [limit(() => loadWorkload(api, shapes.daemonSet, namespace, "agent", 3))]
          : []),
      ]);
      pods += index % 5 === 0 ? 5 : 2;
    }),
  );
  return pods;
}

async function createNamespace(api: Api, name: string): Promise<void> {
  await create(api, "/api/v1/namespaces", {
    metadata: { name, labels: { "istio.io/rev": REVISION } },
  });
  // Pods require it. In a real cluster, a controller creates it.
  await create(api, `/api/v1/namespaces/${name}/serviceaccounts`, {
    metadata: { name: "default" },
  });
}

async function loadWorkload(
  api: Api,
  { workload, replicaSet, pod }: Shape,
  namespace: string,
  name: string,
  count: number,
): Promise<void> {
  const old = workload.metadata.name as string;
  const named = (object: KubeObject) => rename(object, old, name, namespace);
  const apps = `/apis/apps/v1/namespaces/${namespace}`;
  const made = named(workload);
  if (made.kind !== "DaemonSet") made.spec.replicas = count;
  for (const key of ["replicas", "readyReplicas", "updatedReplicas", "availableReplicas"]) {
    if (made.status[key] !== undefined) made.status[key] = count;
  }
  for (const key of ["currentNumberScheduled", "desiredNumberScheduled", "numberReady"]) {
    if (made.status[key] !== undefined) made.status[key] = count;
  }
  const top = await createWithStatus(api, `${apps}/${made.kind.toLowerCase()}s`, made);
  let owner = ownerReference(top);
  if (replicaSet !== undefined) {
    const sets = [];
    for (let number = 0; number <= OLD_REPLICA_SETS; number += 1) {
      const set = named(replicaSet);
      const hash = `${number}f9c4d8b7`.slice(0, 9);
      set.metadata.name = `${name}-${hash}`;
      set.metadata.ownerReferences = [owner];
      set.metadata.labels["pod-template-hash"] = hash;
      set.spec.selector.matchLabels["pod-template-hash"] = hash;
      set.spec.template.metadata.labels["pod-template-hash"] = hash;
      set.spec.replicas = number === 0 ? count : 0;
      sets.push(await create(api, `${apps}/replicasets`, set));
    }
    owner = ownerReference(sets[0]);
  }
  for (let number = 0; number < count; number += 1) {
    const one = named(pod);
    one.metadata.name = `${owner.name}-${randomUUID().slice(0, 5)}`;
    one.metadata.ownerReferences = [owner];
    await createWithStatus(api, `/api/v1/namespaces/${namespace}/pods`, one);
  }
}

/** Copies an object under another name and namespace, without the fields that a server sets. */
function rename(object: KubeObject, old: string, name: string, namespace: string): KubeObject {
  const copy = JSON.parse(
    JSON.stringify(object).replaceAll(new RegExp(`"${old}(?=["-])`, "g"), `"${name}`),
  );
  const { uid: _uid, resourceVersion: _rv, managedFields: _mf, ...metadata } = copy.metadata;
  return { ...copy, metadata: { ...metadata, namespace } };
}

function ownerReference({ apiVersion, kind, metadata }: KubeObject) {
  const { name, uid } = metadata;
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** Creates an object, then writes its status, which the API server drops at creation. */
async function createWithStatus(api: Api, path: string, object: KubeObject): Promise<KubeObject> {
  const made = await create(api, path, object);
  if (object.status === undefined) return made;
  const answer = await api.request("PUT", `${path}/${made.metadata.name}/status`, {
    body: { ...made, status: object.status },
  });
  return answered(path, answer);
}

async function create(api: Api, path: string, object: KubeObject): Promise<KubeObject> {
  const { resourceVersion: _rv, uid: _uid, ...metadata } = object.metadata;
  // The server assigns addresses.
  const { clusterIP: _ip, clusterIPs: _ips, ...spec } = object.spec ?? {};
  const body = { ...object, metadata, ...(object.spec && { spec }) };
  return answered(path, await api.request("POST", path, { body }));
}

function answered(path: string, { status, body }: Answer): KubeObject {
  if (status >= 300) throw new Error(`${path}: ${status} ${body.message ?? body}`);
  return body;
}

export async function unloadWebhooks(api: Api, { controlPlane }: Shapes): Promise<void> {
  for (const { path, object } of controlPlane) {
    if (object.kind !== "MutatingWebhookConfiguration") continue;
    answered(path, await api.request("DELETE", `${path}/${object.metadata.name}`, { body: {} }));
  }
}
