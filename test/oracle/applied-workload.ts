import { setTimeout as sleep } from "node:timers/promises";
import type { Answer } from "../support/test-cluster.ts";
import { waitUntil } from "../testbed/child.ts";
import type { RealCluster } from "../testbed/real-cluster.ts";
import { REWRITE_LABEL } from "./image-policies.ts";
import { APP, customKind, jobOf, manifestOf, pathOf, podOf, wantedPods } from "./objects.ts";
import type { InstalledControlPlane } from "./installed-control-plane.ts";
import {
  type Case,
  caseOf,
  isStripped,
  type Labels,
  type TestNamespace,
  type Workload,
  type World,
} from "./world.ts";

/** A workload of a world, created in the cluster. */
export interface AppliedWorkload {
  readonly namespace: string;
  readonly name: string;
  readonly case: Case;
  /** False if the workload is a bare pod that the API server rejected. */
  readonly exists: boolean;
}

interface NamedNamespace {
  readonly name: string;
  readonly spec: TestNamespace;
}

let rounds = 0;

/**
 * Creates a world in the cluster in its two steps, and waits for the pods.
 *
 * @returns the workloads that exist. Each has its pods, or an event that explains their absence.
 */
export async function applyWorld(
  cluster: RealCluster,
  controlPlane: InstalledControlPlane,
  world: World,
): Promise<readonly AppliedWorkload[]> {
  rounds += 1;
  const run = `oracle-${Date.now().toString(36)}-${rounds}`;
  const namespaces = world.namespaces.map((spec, index) => ({
    name: `${spec.aks ? "aks-istio-" : ""}${run}-${index}`,
    spec,
  }));
  await controlPlane.changeTo(world.before);
  await Promise.all(
    namespaces.map(({ name, spec }) => createNamespace(cluster, name, labelsIn(spec, "before"))),
  );
  const early = await createAll(cluster, world, namespaces, "before");
  await waitForPods(cluster, early);
  await Promise.all(early.map((applied) => stripPods(cluster, applied)));
  await controlPlane.changeTo(world.now);
  await Promise.all(namespaces.map(({ name, spec }) => relabel(cluster, name, spec)));
  await createProxyConfigs(cluster, namespaces);
  const late = await createAll(cluster, world, namespaces, "now");
  await waitForPods(cluster, [...early, ...late]);
  return [...early, ...late].filter(({ exists }) => exists);
}

/** Deletes the namespaces of the workloads. Kubernetes completes the deletion in the background. */
export async function removeWorkloads(
  cluster: RealCluster,
  workloads: readonly AppliedWorkload[],
): Promise<void> {
  const names = [...new Set(workloads.map(({ namespace }) => namespace))];
  await Promise.all(names.map((name) => cluster.request("DELETE", `/api/v1/namespaces/${name}`)));
}

function labelsIn(spec: TestNamespace, step: "before" | "now"): Labels {
  return { ...spec[step], ...(spec.rewrite && { [REWRITE_LABEL]: spec.rewrite }) };
}

const VALIDATORS =
  "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations?labelSelector=istio.io/rev";

/** The time after which istiod uses a new ProxyConfig, in milliseconds. */
const PROXY_CONFIG_DELAY_MS = 1000;

async function createProxyConfigs(
  cluster: RealCluster,
  namespaces: readonly NamedNamespace[],
): Promise<void> {
  const created = namespaces.filter(({ spec }) => spec.proxyConfig !== undefined);
  // The validation by an istiod that does not answer would reject the ProxyConfigs.
  if (created.length > 0) await cluster.request("DELETE", VALIDATORS);
  for (const { name, spec } of created) {
    const body = {
      apiVersion: "networking.istio.io/v1beta1",
      kind: "ProxyConfig",
      metadata: { name: "image-type" },
      spec: { image: { imageType: spec.proxyConfig } },
    };
    const path = `/apis/networking.istio.io/v1beta1/namespaces/${name}/proxyconfigs`;
    // The API server validates for a moment longer.
    const accepted = () => post(cluster, path, body).then(() => true);
    await waitUntil(`the ProxyConfig of ${name}`, accepted, undefined, TIMEOUT_MS / 1000);
  }
  if (created.length > 0) await sleep(PROXY_CONFIG_DELAY_MS);
}

async function createNamespace(
  cluster: RealCluster,
  name: string,
  labels: TestNamespace["before"],
): Promise<void> {
  const body = { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
  await post(cluster, "/api/v1/namespaces", body);
  // The API server rejects pods until the default service account exists.
  const account = `/api/v1/namespaces/${name}/serviceaccounts/default`;
  while ((await cluster.request("GET", account)).status !== 200) await sleep(50);
}

async function relabel(
  cluster: RealCluster,
  namespace: string,
  spec: TestNamespace,
): Promise<void> {
  const gone = Object.keys(spec.before).filter((key) => !(key in spec.now));
  const labels = {
    ...Object.fromEntries(gone.map((key) => [key, null])),
    ...labelsIn(spec, "now"),
  };
  const { status, body } = await cluster.request("PATCH", `/api/v1/namespaces/${namespace}`, {
    body: { metadata: { labels } },
    contentType: "application/merge-patch+json",
  });
  if (status !== 200) throw new Error(`labels of ${namespace}: ${body.message}`);
}

async function createAll(
  cluster: RealCluster,
  world: World,
  namespaces: readonly NamedNamespace[],
  when: Workload["when"],
): Promise<readonly AppliedWorkload[]> {
  const all = namespaces.map(({ name: namespace, spec }) =>
    Promise.all(
      spec.workloads.map(async (workload, index) => {
        if (workload.when !== when) return [];
        const name = `w${index}`;
        const exists = await create(cluster, namespace, name, workload);
        return [{ namespace, name, case: caseOf(world, spec, workload), exists }];
      }),
    ),
  );
  return (await Promise.all(all)).flat(2);
}

/** Removes the annotations of injection from the pods of a workload, if the world says so. */
async function stripPods(
  cluster: RealCluster,
  { namespace, name, case: { workload } }: AppliedWorkload,
): Promise<void> {
  if (!isStripped(workload)) return;
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  const { body } = await cluster.request("GET", `${pods}?labelSelector=${APP}%3D${name}`);
  const annotations = { "istio.io/rev": null, "sidecar.istio.io/status": null };
  for (const { metadata } of body.items) {
    await cluster.request("PATCH", `${pods}/${metadata.name}`, {
      body: { metadata: { annotations } },
      contentType: "application/merge-patch+json",
    });
  }
}

/** @returns false if the API server rejected a bare pod, or the pod of a custom kind. */
async function create(
  cluster: RealCluster,
  namespace: string,
  name: string,
  workload: Workload,
): Promise<boolean> {
  const manifest = manifestOf(name, workload);
  const path = pathOf(namespace, workload.kind);
  if (workload.kind === "Pod") {
    return (await cluster.request("POST", path, { body: manifest })).status === 201;
  }
  const { metadata } = await post(cluster, path, manifest);
  if (customKind(workload.kind) !== undefined) {
    const pod = podOf(manifest, metadata.uid, workload);
    const pods = pathOf(namespace, "Pod");
    return (await cluster.request("POST", pods, { body: pod })).status === 201;
  }
  if (workload.kind === "CronJob") {
    await post(cluster, pathOf(namespace, "Job"), jobOf(manifest, metadata.uid, workload));
  }
  return true;
}

async function post(cluster: RealCluster, path: string, body: unknown): Promise<Answer["body"]> {
  const answer = await cluster.request("POST", path, { body });
  if (answer.status !== 201) {
    throw new Error(`POST ${path}: ${answer.status} ${answer.body.message ?? answer.body}`);
  }
  return answer.body;
}

const TIMEOUT_MS = 30_000;

/** Waits until the pods of every workload run, or an event explains their absence. */
async function waitForPods(
  cluster: RealCluster,
  workloads: readonly AppliedWorkload[],
): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS;
  while (Date.now() < deadline) {
    const [pods, rejected] = await Promise.all([countPods(cluster), rejectedWorkloads(cluster)]);
    const waiting = workloads.filter(({ namespace, name, exists, case: { workload } }) => {
      const key = `${namespace}/${name}`;
      return exists && !rejected.has(key) && (pods.get(key) ?? 0) < wantedPods(workload);
    });
    if (waiting.length === 0) return;
    await sleep(200);
  }
}

async function countPods(cluster: RealCluster): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const query = `fieldSelector=status.phase%3DRunning&labelSelector=${APP}`;
  const { body } = await cluster.request("GET", `/api/v1/pods?${query}`);
  for (const { metadata } of body.items) {
    const key = `${metadata.namespace}/${metadata.labels[APP]}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/** The workloads, as `namespace/name`, whose controllers could not create a pod. */
async function rejectedWorkloads(cluster: RealCluster): Promise<ReadonlySet<string>> {
  const query = "fieldSelector=reason%3DFailedCreate";
  const { body } = await cluster.request("GET", `/api/v1/events?${query}`);
  return new Set(
    body.items.map(({ involvedObject: { namespace, name } }: Answer["body"]) => {
      // The event is about a ReplicaSet or a Job, whose name begins with the workload's name.
      return `${namespace}/${name.split("-")[0]}`;
    }),
  );
}
