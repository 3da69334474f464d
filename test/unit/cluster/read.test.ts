import { expect, test } from "vitest";
import type { Api } from "../../../src/http/api.ts";
import { readCluster, readSnapshot } from "../../../src/cluster/read.ts";
import { forbidden, respondingApi } from "../../support/build/scripted-api.ts";

const owned = (kind: string, uid: string) => ({
  metadata: {
    name: `${uid}-0`,
    namespace: "shop",
    uid: `${uid}-0`,
    ownerReferences: [{ kind, name: uid, uid, controller: true }],
  },
  spec: { containers: [{ name: "app", image: "app" }] },
  status: { phase: "Running" },
});
const workload = (name: string) => ({
  metadata: { name, namespace: "shop", uid: name },
  spec: { replicas: 1, selector: { matchLabels: { app: name } }, template: {} },
});

/** The objects in the namespace, by the last part of the path. */
const ITEMS: Readonly<Record<string, readonly object[]>> = {
  pods: [owned("ReplicaSet", "web-1"), owned("StatefulSet", "db")],
  deployments: [workload("web")],
  statefulsets: [workload("db")],
  replicasets: [owned("Deployment", "web")].map((one) => ({
    metadata: { ...one.metadata, uid: "web-1" },
  })),
};

function api(unread: string): Api {
  return respondingApi(({ path, kind }) => {
    const last = path.split("/").at(-1) ?? "";
    if (last === unread) throw forbidden("list", unread);
    const items = path.includes("/shop/") ? (ITEMS[last] ?? []) : [];
    return { kind, metadata: { name: last }, items };
  });
}

test.each<[unread: string, workloads: readonly string[]]>([
  ["none", ["Deployment web 1", "StatefulSet db 1"]],
  ["pods", []],
  // Without ReplicaSets, the pods of a Deployment are unknown, not zero.
  ["replicasets", ["StatefulSet db 1"]],
])("a workload whose pods are unknown is left out (unread: %s)", async (unread, workloads) => {
  const read = await readSnapshot(api(unread), {
    istioNamespace: "aks-istio-system",
    namespaces: ["shop"],
  });
  const found = read.workloads.map(
    ({ kind, name, pods }) => `${kind} ${name} ${pods.reduce((sum, group) => sum + group.pods, 0)}`,
  );
  expect(found).toEqual(workloads);
  expect(read.gaps.length).toBe(unread === "none" ? 0 : 1);
});

test("a namespace is yielded before the pages after the next namespace are requested", async () => {
  const log: string[] = [];
  const namespaces = ["a", "b", "c", "d", "e"];
  const paged = respondingApi(({ path, kind, query }) => {
    if (path !== "/api/v1/pods") return { kind, metadata: {}, items: [] };
    const index = Number(query?.["continue"] ?? 0);
    const namespace = namespaces[index] ?? "";
    log.push(`page of ${namespace}`);
    const one = owned("StatefulSet", "db");
    const items = [{ ...one, metadata: { ...one.metadata, namespace, uid: `db-${index}` } }];
    const more = index + 1 < namespaces.length ? { continue: String(index + 1) } : {};
    return { kind, metadata: more, items };
  });
  const scope = { istioNamespace: "aks-istio-system", namespaces: undefined };
  const { batches } = await readCluster(paged, scope);
  for await (const workloads of batches) {
    log.push(`workloads of ${workloads.map(({ namespace }) => namespace).join()}`);
  }
  const pages = log.flatMap((entry, at) => (entry.startsWith("page") ? [at] : []));
  for (const [index, name] of namespaces.slice(0, -3).entries()) {
    expect(log.indexOf(`workloads of ${name}`)).toBeLessThan(pages[index + 3] ?? 0);
  }
  expect(log.filter((entry) => entry.startsWith("workloads"))).toHaveLength(namespaces.length);
});

test("the lists of workloads are requested together with the control plane", async () => {
  const requested: string[] = [];
  const silent = respondingApi(({ path }) => {
    requested.push(path);
    return new Promise(() => undefined);
  });
  void readCluster(silent, { istioNamespace: "aks-istio-system", namespaces: ["shop", "pay"] });
  for (const name of ["shop", "pay"]) {
    expect(requested).toEqual(
      expect.arrayContaining([
        "/api/v1/namespaces/aks-istio-system/configmaps",
        `/api/v1/namespaces/${name}`,
        `/api/v1/namespaces/${name}/pods`,
        `/apis/apps/v1/namespaces/${name}/replicasets`,
        `/apis/apps/v1/namespaces/${name}/deployments`,
      ]),
    );
  }
});

test("an error that is not the API server's is thrown by the iteration", async () => {
  const broken = respondingApi(({ path, kind }) => {
    if (path.endsWith("/pods")) throw new TypeError("broken");
    return { kind, metadata: { name: "shop" }, items: [] };
  });
  const scope = { istioNamespace: "aks-istio-system", namespaces: ["shop"] };
  const { batches } = await readCluster(broken, scope);
  await expect(batches[Symbol.asyncIterator]().next()).rejects.toThrow("broken");
});

test("of many namespaces, eight are read ahead", async () => {
  const names = Array.from({ length: 20 }, (_, index) => `team-${String(index).padStart(2, "0")}`);
  const asked = new Set<string>();
  const many = respondingApi(({ path, kind }) => {
    const [, namespace] = /namespaces\/(team-\d+)\//.exec(path) ?? [];
    if (namespace !== undefined) asked.add(namespace);
    return { kind, metadata: { name: "x" }, items: [] };
  });
  const scope = { istioNamespace: "aks-istio-system", namespaces: names };
  const { batches, allGaps } = await readCluster(many, scope);
  expect([...asked]).toEqual(names.slice(0, 8));
  for await (const _batch of batches) throw new Error("there is no workload");
  expect([...asked]).toEqual(names);
  expect(allGaps()).toEqual([]);
});
