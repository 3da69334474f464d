import { setTimeout as sleep } from "node:timers/promises";
import { daemonSet, deployment, namespace, statefulSet } from "../support/manifests.ts";
import { runInProcess } from "../support/run-in-process.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import type { Proxy } from "./proxy.ts";
import { openWay } from "./way.ts";

/** A namespace where all is current, and the proxy before the API server that it is in. */
export interface World {
  readonly namespace: string;
  readonly proxy: Proxy;
  /** Leads through the proxy. */
  readonly kubeconfig: string;
  /** How often each workload's template was changed so far, by the API server's own count. */
  readonly generations: () => Promise<readonly number[]>;
  /** A pod of the Deployment. */
  readonly podName: () => Promise<string>;
  /** Resolves once nothing rolls any more. */
  readonly settled: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Of no other test: what is said of it does not change while they go on. */
export const REVISION = "asm-1-93";
const OTHER = "asm-1-92";
const image = (version: string) => `mcr.microsoft.com/oss/v2/istio/proxyv2:${version}`;

/** Of everything that is listed there are two at least, for the proxy to give out on pages of one. */
export async function openWorld(cluster: TestCluster): Promise<World> {
  await cluster.installRevision({ name: OTHER, image: image("v1.92.3-1") });
  await cluster.installRevision({ name: REVISION, image: image("v1.93.4-1") });
  const place = `faults-${Math.random().toString(36).slice(2, 8)}`;
  const request = async (method: string, path: string, body?: unknown) => {
    const answer = await cluster.request(method, path, body === undefined ? {} : { body });
    if (answer.status > 299) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  await request("POST", "/api/v1/namespaces", namespace(place, { "istio.io/rev": REVISION }));
  const path = (resource: string) =>
    `${/^(pods|resourcequotas)/.test(resource) ? "/api/v1" : "/apis/apps/v1"}/namespaces/${place}/${resource}`;
  for (const name of ["many", "more"]) {
    const spec = { hard: { pods: "1000" } };
    const quota = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name }, spec };
    await request("POST", path("resourcequotas"), quota);
  }
  const outside = { labels: { "sidecar.istio.io/inject": "false" } };
  await request("POST", path("deployments"), deployment("web", { replicas: 3 }));
  await request("POST", path("deployments"), deployment("idle", { replicas: 0 }));
  await request("POST", path("statefulsets"), statefulSet("db", { replicas: 2 }));
  await request("POST", path("statefulsets"), statefulSet("idle", { replicas: 0 }));
  await request("POST", path("daemonsets"), daemonSet("one", outside));
  await request("POST", path("daemonsets"), daemonSet("two", outside));

  const way = await openWay(cluster);
  const world: World = {
    namespace: place,
    proxy: way.proxy,
    kubeconfig: way.kubeconfig,
    generations: async () => {
      const workloads = ["deployments/web", "statefulsets/db"].map(path);
      const objects = await Promise.all(workloads.map((workload) => request("GET", workload)));
      return objects.map(({ metadata }) => metadata.generation as number);
    },
    podName: async () => {
      const { items } = await request("GET", `${path("pods")}?labelSelector=app%3Dweb`);
      return items[0].metadata.name as string;
    },
    settled: async () => {
      for (let tries = 0; tries < 400; tries++) {
        const args = ["verify", "-n", place, "--json"];
        const ran = await runInProcess(args, { KUBECONFIG: cluster.kubeconfig });
        const { workloads = [] } = JSON.parse(ran.stdout || "{}");
        const isLeaving = workloads.some((one: { terminating?: number }) => one.terminating);
        if (ran.status === 0 && workloads.length === 2 && !isLeaving) return;
        await sleep(50);
      }
      throw new Error("the workloads do not settle");
    },
    close: async () => {
      await way.close();
      await request("DELETE", `/api/v1/namespaces/${place}`);
    },
  };
  await world.settled();
  return world;
}
