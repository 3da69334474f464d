/* oxlint-disable vitest/no-standalone-expect -- `test` is vitest's own, with fixtures */
import { expect, vi } from "vitest";
import type { EmbeddedCluster } from "../support/embedded/cluster.ts";
import { pod } from "../support/manifests.ts";
import type { Answer } from "../support/test-cluster.ts";
import { onlyEmbedded, type Sandbox, test } from "./sandbox.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

async function createPods(sandbox: Sandbox, count: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, index) => `pod-${index}`);
  for (const [index, name] of names.entries()) {
    const labels = { parity: index % 2 ? "odd" : "even", ...(index === 0 && { first: "yes" }) };
    await sandbox.create("pods", pod(name, { labels }));
  }
  return names;
}

function namesOf({ body }: Answer): string[] {
  return body.items.map((item: Answer["body"]) => item.metadata.name);
}

test("pages contain every item exactly once", async ({ cluster, sandbox }) => {
  const names = await createPods(sandbox, 7);
  const path = `${sandbox.path("pods")}?limit=3`;
  const first = await cluster.request("GET", path);
  expect(first.body.kind).toBe("PodList");
  const second = await cluster.request("GET", `${path}&continue=${first.body.metadata.continue}`);
  // The limit may change from page to page.
  const rest = `${sandbox.path("pods")}?limit=500&continue=${second.body.metadata.continue}`;
  const third = await cluster.request("GET", rest);
  expect(third.body.metadata.continue ?? "").toBe("");
  expect([first, second, third].flatMap(namesOf)).toEqual(names);
});

test("pages of the whole cluster continue after a namespace and a name", async ({
  cluster,
  sandbox,
}) => {
  await createPods(sandbox, 3);
  const found: string[] = [];
  let token: string | undefined;
  let seen = 0;
  do {
    const from = token ? `&continue=${token}` : "";
    const { status, body } = await cluster.request("GET", `/api/v1/pods?limit=2${from}`);
    expect(status).toBe(200);
    const ours = body.items.filter(
      (item: Answer["body"]) => item.metadata.namespace === sandbox.name,
    );
    found.push(...ours.map((item: Answer["body"]) => item.metadata.name));
    token = body.metadata.continue || undefined;
  } while (token && ++seen < 10_000);
  expect(found).toEqual(["pod-0", "pod-1", "pod-2"]);
});

test("pages of a selector contain only selected items", async ({ cluster, sandbox }) => {
  await createPods(sandbox, 5);
  const path = `${sandbox.path("pods")}?labelSelector=parity%3Deven&limit=2`;
  const first = await cluster.request("GET", path);
  const second = await cluster.request("GET", `${path}&continue=${first.body.metadata.continue}`);
  expect([first, second].map(namesOf)).toEqual([["pod-0", "pod-2"], ["pod-4"]]);
  expect(second.body.metadata.continue ?? "").toBe("");
});

test("an invalid continue token is rejected", async ({ cluster }) => {
  const { status, body } = await cluster.request("GET", "/api/v1/pods?limit=1&continue=garbage");
  expect(status).toBe(400);
  expect(body).toMatchObject({
    kind: "Status",
    status: "Failure",
    reason: "BadRequest",
    code: 400,
  });
});

test("an expired continue token is answered with 410 and a token that continues the list", async ({
  cluster,
  sandbox,
  skip,
}) => {
  onlyEmbedded(cluster, skip, "the real API server takes five minutes to forget a list");
  const names = await createPods(sandbox, 3);
  const first = await cluster.request("GET", `${sandbox.path("pods")}?limit=1`);
  (cluster as EmbeddedCluster).expireContinueTokens();
  const path = (token: string) => `${sandbox.path("pods")}?limit=5&continue=${token}`;
  const gone = await cluster.request("GET", path(first.body.metadata.continue));
  expect(gone.status).toBe(410);
  expect(gone.body).toMatchObject({ kind: "Status", reason: "Expired", code: 410 });
  const rest = await cluster.request("GET", path(gone.body.metadata.continue));
  expect([first, rest].flatMap(namesOf)).toEqual(names);
});

test.for([
  ["parity=even", ["pod-0", "pod-2"]],
  ["parity==odd", ["pod-1", "pod-3"]],
  ["parity!=odd", ["pod-0", "pod-2"]],
  ["parity in (odd, even),first", ["pod-0"]],
  ["parity notin (odd)", ["pod-0", "pod-2"]],
  ["first notin (no)", ["pod-0", "pod-1", "pod-2", "pod-3"]],
  ["first", ["pod-0"]],
  ["!first", ["pod-1", "pod-2", "pod-3"]],
  ["app=pod-3", ["pod-3"]],
] as const)("label selector %s", async ([selector, expected], { cluster, sandbox }) => {
  await createPods(sandbox, 4);
  const path = `${sandbox.path("pods")}?labelSelector=${encodeURIComponent(selector)}`;
  expect(namesOf(await cluster.request("GET", path))).toEqual(expected);
});

test("a list of metadata leaves out the spec", async ({ cluster, sandbox }) => {
  await createPods(sandbox, 3);
  const options = { headers: { accept: METADATA_ONLY } };
  const first = await cluster.request("GET", `${sandbox.path("pods")}?limit=2`, options);
  expect(first.body).toMatchObject({
    kind: "PartialObjectMetadataList",
    apiVersion: "meta.k8s.io/v1",
  });
  expect(first.body.metadata.continue).toBeTypeOf("string");
  expect(namesOf(first)).toEqual(["pod-0", "pod-1"]);
  expect(first.body.items[0].metadata.labels).toMatchObject({ parity: "even" });
  expect(first.body.items[0].spec).toBeUndefined();
});

test("a list of Jobs' metadata is empty if there are no Jobs", async ({ cluster, sandbox }) => {
  const path = `/apis/batch/v1/namespaces/${sandbox.name}/jobs?limit=500`;
  const { status, body } = await cluster.request("GET", path, {
    headers: { accept: METADATA_ONLY },
  });
  expect(status).toBe(200);
  expect(body.kind).toBe("PartialObjectMetadataList");
  // Go encodes a nil slice as null.
  expect(body.items ?? []).toEqual([]);
});

test("the pods of a namespace that does not exist are an empty list", async ({ cluster }) => {
  const { status, body } = await cluster.request("GET", "/api/v1/namespaces/contract-ghost/pods");
  expect(status).toBe(200);
  expect(body.items).toEqual([]);
});

test("namespaces carry their name as a label", async ({ cluster, enter }) => {
  const sandbox = await enter({ purpose: "lists" });
  const selector = encodeURIComponent(`kubernetes.io/metadata.name=${sandbox.name}`);
  const { body } = await cluster.request("GET", `/api/v1/namespaces?labelSelector=${selector}`);
  expect(body.items).toHaveLength(1);
  expect(body.items[0].status.phase).toBe("Active");
  expect(body.items[0].metadata.labels).toMatchObject({ purpose: "lists" });
});
