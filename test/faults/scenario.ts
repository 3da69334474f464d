import { setTimeout as sleep } from "node:timers/promises";
import { proxyImage } from "../support/build/pod-group.ts";
import { daemonSet, deployment, namespace, statefulSet } from "../support/manifests.ts";
import { runInProcess } from "../support/run-in-process.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import type { Proxy } from "./proxy.ts";
import { openProxiedCluster } from "./proxied-cluster.ts";

/** Namespaces whose workloads are current, and the proxy in front of their API server. */
export interface Scenario {
  readonly namespace: string;
  readonly proxy: Proxy;
  /** The path of a kubeconfig that leads to the proxy. */
  readonly kubeconfig: string;
  /** Returns the generation of each workload, which counts the changes of its template. */
  readonly generations: () => Promise<readonly number[]>;
  /** Returns the name of a pod of the Deployment. */
  readonly podName: () => Promise<string>;
  /** The name of a namespace without workloads. */
  readonly moved: string;
  /** Returns the revision that the label of that namespace names, and sets it back to `REVISION`. */
  readonly takeLabel: () => Promise<string>;
  /** The name of a lease in the namespace, which does not exist. */
  readonly lease: string;
  readonly removeLease: () => Promise<void>;
  /** Resolves once all rollouts are complete. */
  readonly settled: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** No other test uses this revision, so that the report about it stays the same. */
export const REVISION = "asm-1-93";
export const OTHER = "asm-1-92";
const LEASE = "nightly";
/** A revision that is not installed. */
export const ABSENT = "asm-1-94";

/**
 * Creates a scenario with at least two objects of each listed kind, so that lists have several
 * pages.
 */
export async function openScenario(cluster: TestCluster): Promise<Scenario> {
  await cluster.installRevision({ name: OTHER, image: proxyImage("v1.92.3-1") });
  await cluster.installRevision({ name: REVISION, image: proxyImage("v1.93.4-1") });
  const name = `faults-${Math.random().toString(36).slice(2, 8)}`;
  const request = async (method: string, path: string, body?: unknown) => {
    const answer = await cluster.request(method, path, body === undefined ? {} : { body });
    if (answer.status > 299) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  await request("POST", "/api/v1/namespaces", namespace(name, { "istio.io/rev": REVISION }));
  const moved = `${name}-moved`;
  await request("POST", "/api/v1/namespaces", namespace(moved, { "istio.io/rev": REVISION }));
  const path = (resource: string) =>
    `${/^(pods|resourcequotas)/.test(resource) ? "/api/v1" : "/apis/apps/v1"}/namespaces/${name}/${resource}`;
  for (const quotaName of ["many", "more"]) {
    const spec = { hard: { pods: "1000" } };
    const quota = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: quotaName }, spec };
    await request("POST", path("resourcequotas"), quota);
  }
  const outside = { labels: { "sidecar.istio.io/inject": "false" } };
  await request("POST", path("deployments"), deployment("web", { replicas: 3 }));
  await request("POST", path("deployments"), deployment("idle", { replicas: 0 }));
  await request("POST", path("statefulsets"), statefulSet("db", { replicas: 2 }));
  await request("POST", path("statefulsets"), statefulSet("idle", { replicas: 0 }));
  await request("POST", path("daemonsets"), daemonSet("one", outside));
  await request("POST", path("daemonsets"), daemonSet("two", outside));

  const proxied = await openProxiedCluster(cluster);
  const scenario: Scenario = {
    namespace: name,
    proxy: proxied.proxy,
    kubeconfig: proxied.kubeconfig,
    generations: async () => {
      const workloads = ["deployments/web", "statefulsets/db"].map(path);
      const objects = await Promise.all(workloads.map((workload) => request("GET", workload)));
      return objects.map(({ metadata }) => metadata.generation as number);
    },
    podName: async () => {
      const { items } = await request("GET", `${path("pods")}?labelSelector=app%3Dweb`);
      return items[0].metadata.name as string;
    },
    moved,
    takeLabel: async () => {
      const { metadata } = await request("GET", `/api/v1/namespaces/${moved}`);
      const label = metadata.labels["istio.io/rev"] as string;
      if (label !== REVISION) {
        await cluster.request("PATCH", `/api/v1/namespaces/${moved}`, {
          body: { metadata: { labels: { "istio.io/rev": REVISION } } },
          contentType: "application/merge-patch+json",
        });
      }
      return label;
    },
    lease: LEASE,
    removeLease: async () => {
      const leases = `/apis/coordination.k8s.io/v1/namespaces/${name}/leases`;
      await cluster.request("DELETE", `${leases}/${LEASE}`);
    },
    settled: async () => {
      for (let tries = 0; tries < 400; tries++) {
        const args = ["verify", "-n", name, "--json"];
        const ran = await runInProcess(args, { KUBECONFIG: cluster.kubeconfig });
        const { workloads = [] } = JSON.parse(ran.stdout || "{}");
        const isLeaving = workloads.some((one: { terminating?: number }) => one.terminating);
        if (ran.status === 0 && workloads.length === 2 && !isLeaving) return;
        await sleep(50);
      }
      throw new Error("the workloads do not settle");
    },
    close: async () => {
      await proxied.close();
      await request("DELETE", `/api/v1/namespaces/${name}`);
      await request("DELETE", `/api/v1/namespaces/${moved}`);
    },
  };
  await scenario.settled();
  return scenario;
}
