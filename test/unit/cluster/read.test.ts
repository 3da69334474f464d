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

/** What is in the namespace, by the last part of the path. */
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
  // A Deployment whose pods nobody can tell has not none.
  ["replicasets", ["StatefulSet db 1"]],
])("what has no pods because %s could not be read is left out", async (unread, workloads) => {
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

test("a namespace is handed out, and forgotten, while pages behind the next are not yet asked for", async () => {
  const log: string[] = [];
  const places = ["a", "b", "c", "d", "e"];
  const paged = respondingApi(({ path, kind, query }) => {
    if (path !== "/api/v1/pods") return { kind, metadata: {}, items: [] };
    const index = Number(query?.["continue"] ?? 0);
    const namespace = places[index] ?? "";
    log.push(`page of ${namespace}`);
    const one = owned("StatefulSet", "db");
    const items = [{ ...one, metadata: { ...one.metadata, namespace, uid: `db-${index}` } }];
    const more = index + 1 < places.length ? { continue: String(index + 1) } : {};
    return { kind, metadata: more, items };
  });
  const scope = { istioNamespace: "aks-istio-system", namespaces: undefined };
  const { batches } = await readCluster(paged, scope);
  for await (const workloads of batches) {
    log.push(`workloads of ${workloads.map(({ namespace }) => namespace).join()}`);
  }
  const pages = log.flatMap((entry, at) => (entry.startsWith("page") ? [at] : []));
  for (const [index, place] of places.slice(0, -3).entries()) {
    expect(log.indexOf(`workloads of ${place}`)).toBeLessThan(pages[index + 3] ?? 0);
  }
  expect(log.filter((entry) => entry.startsWith("workloads"))).toHaveLength(places.length);
});
