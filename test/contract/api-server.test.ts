/* oxlint-disable vitest/no-standalone-expect -- `test` is vitest's own, with fixtures */
import { readFile } from "node:fs/promises";
import { expect, vi } from "vitest";
import { parse } from "yaml";
import { configMap, deployment, namespace, pod } from "../support/manifests.ts";
import type { RequestOptions, TestCluster, TestRule } from "../support/test-cluster.ts";
import { eventually, onlyEmbedded, test } from "./sandbox.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const READS_CONFIG: TestRule = { apiGroups: [""], resources: ["configmaps"], verbs: ["list"] };

/** Returns the user name that the API server sees; a service account's name has a prefix. */
async function nameOf(cluster: TestCluster, user: RequestOptions): Promise<string> {
  const body = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
  const path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
  const { status, body: review } = await cluster.request("POST", path, { ...user, body });
  expect(status).toBe(201);
  expect(review.status.userInfo.groups).toContain("system:authenticated");
  return review.status.userInfo.username;
}

/** Returns request options that authenticate as the user. */
async function authenticate(
  cluster: TestCluster,
  user: string,
  rules: readonly TestRule[],
): Promise<RequestOptions> {
  const { users } = parse(await readFile(await cluster.userKubeconfig(user, rules), "utf8"));
  return { headers: { authorization: `Bearer ${users[0].user.token}` } };
}

function failure(code: number, reason: string, message: string, details: object) {
  const head = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure" };
  return { ...head, message, reason, details, code };
}

test("the kubeconfig's context is named test", async ({ cluster }) => {
  const config = parse(await readFile(cluster.kubeconfig, "utf8"));
  expect(config["current-context"]).toBe("test");
});

test("403 names the user, the verb, the resource and the scope", async ({ cluster, sandbox }) => {
  const jane = await authenticate(cluster, "jane", [READS_CONFIG]);
  const everywhere = await cluster.request("GET", "/api/v1/pods", jane);
  const why = `User "${await nameOf(cluster, jane)}" cannot list resource "pods" in API group ""`;
  expect(everywhere).toMatchObject({ status: 403 });
  expect(everywhere.body).toEqual(
    failure(403, "Forbidden", `pods is forbidden: ${why} at the cluster scope`, { kind: "pods" }),
  );
  const here = await cluster.request("GET", sandbox.path("pods"), jane);
  expect(here.body.message).toBe(`pods is forbidden: ${why} in the namespace "${sandbox.name}"`);
  expect((await cluster.request("GET", "/api/v1/configmaps", jane)).status).toBe(200);
});

test("403 for a patch names the object", async ({ cluster, sandbox }) => {
  const jane = await authenticate(cluster, "jane", [READS_CONFIG]);
  const options = { ...jane, body: {}, contentType: "application/strategic-merge-patch+json" };
  const { status, body } = await cluster.request(
    "PATCH",
    sandbox.path("deployments", "web"),
    options,
  );
  const message =
    `deployments.apps "web" is forbidden: User "${await nameOf(cluster, jane)}" cannot patch ` +
    `resource "deployments" in API group "apps" in the namespace "${sandbox.name}"`;
  expect(status).toBe(403);
  expect(body).toEqual(
    failure(403, "Forbidden", message, { name: "web", group: "apps", kind: "deployments" }),
  );
});

test("401 for an unknown token", async ({ cluster }) => {
  const headers = { authorization: "Bearer nobody-s-token" };
  const { status, body } = await cluster.request("GET", "/api/v1/pods", { headers });
  expect(status).toBe(401);
  expect(body).toMatchObject({ kind: "Status", reason: "Unauthorized", message: "Unauthorized" });
});

test("404 for a missing object, and for an object in a missing namespace", async ({
  cluster,
  sandbox,
}) => {
  const { status, body } = await cluster.request("GET", sandbox.path("deployments", "web"));
  const details = { name: "web", group: "apps", kind: "deployments" };
  expect(status).toBe(404);
  expect(body).toEqual(failure(404, "NotFound", 'deployments.apps "web" not found', details));
  const path = "/api/v1/namespaces/contract-ghost/configmaps";
  const lost = await cluster.request("POST", path, { body: configMap("settings") });
  expect(lost.body).toMatchObject({ code: 404, message: 'namespaces "contract-ghost" not found' });
});

test("409 for an object that already exists", async ({ cluster, sandbox }) => {
  await sandbox.create("configmaps", configMap("settings"));
  const again = await cluster.request("POST", sandbox.path("configmaps"), {
    body: configMap("settings"),
  });
  const details = { name: "settings", kind: "configmaps" };
  expect(again.body).toEqual(
    failure(409, "AlreadyExists", 'configmaps "settings" already exists', details),
  );
});

test("409 for a patch with a stale resourceVersion, 422 for a patch with another uid", async ({
  sandbox,
}) => {
  const { metadata } = await sandbox.create("deployments", deployment("web", { replicas: 0 }));
  await sandbox.patch("deployments", "web", { metadata: { labels: { team: "a" } } });
  const stale = { metadata: { resourceVersion: metadata.resourceVersion, labels: { team: "b" } } };
  const refused = await sandbox.patch("deployments", "web", stale);
  const message =
    'Operation cannot be fulfilled on deployments.apps "web": the object has been modified; ' +
    "please apply your changes to the latest version and try again";
  const details = { name: "web", group: "apps", kind: "deployments" };
  expect(refused.status).toBe(409);
  expect(refused.body).toEqual(failure(409, "Conflict", message, details));
  const uid = "00000000-0000-0000-0000-000000000000";
  const wrong = await sandbox.patch("deployments", "web", { metadata: { uid } });
  expect(wrong.status).toBe(422);
  expect(wrong.body.reason).toBe("Invalid");
  expect(wrong.body.message).toContain("metadata.uid");
  const right = { metadata: { uid: metadata.uid, labels: { team: "c" } } };
  expect((await sandbox.patch("deployments", "web", right)).body.metadata.labels.team).toBe("c");
});

test("a created object has a name, uid, resourceVersion, time and generation", async ({
  sandbox,
}) => {
  const { metadata } = await sandbox.create("deployments", {
    ...deployment("web", { replicas: 0 }),
    metadata: { generateName: "web-" },
  });
  expect(metadata.name).toMatch(/^web-[a-z0-9]{5}$/);
  expect(metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
  expect(metadata.resourceVersion).toMatch(/^\d+$/);
  expect(metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  expect(metadata).toMatchObject({ namespace: sandbox.name, generation: 1 });
});

test("a created Deployment has the default fields", async ({ sandbox }) => {
  const { spec } = await sandbox.create(
    "deployments",
    deployment("web", { spec: { paused: true } }),
  );
  expect(spec).toMatchObject({
    replicas: 1,
    progressDeadlineSeconds: 600,
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } },
  });
});

test("a dry-run patch persists nothing", async ({ cluster, sandbox }) => {
  await sandbox.create("configmaps", configMap("settings", { a: "1" }));
  const path = `${sandbox.path("configmaps", "settings")}?dryRun=All`;
  const options = { body: { data: { a: "2" } }, contentType: "application/merge-patch+json" };
  const answer = await cluster.request("PATCH", path, options);
  expect(answer).toMatchObject({ status: 200, body: { data: { a: "2" } } });
  expect((await sandbox.get("configmaps", "settings")).data).toEqual({ a: "1" });
});

test("deleting an object deletes the objects that it owns", async ({ cluster, sandbox }) => {
  const owner = await sandbox.create("configmaps", configMap("owner"));
  const { name, uid } = owner.metadata;
  const ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", name, uid }];
  await sandbox.create("configmaps", {
    ...configMap("owned"),
    metadata: { name: "owned", ownerReferences },
  });
  const deleted = await cluster.request("DELETE", sandbox.path("configmaps", "owner"));
  expect(deleted.body).toMatchObject({ kind: "Status", status: "Success" });
  await eventually(async () => expect((await sandbox.get("configmaps", "owned")).code).toBe(404));
});

test("an access review predicts the answer to a request", async ({ cluster, sandbox }) => {
  const jane = await authenticate(cluster, "jane", [READS_CONFIG]);
  const allowed = async (resourceAttributes: object) => {
    const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    const { status, body } = await cluster.request("POST", path, {
      ...jane,
      body: {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SelfSubjectAccessReview",
        spec: { resourceAttributes },
      },
    });
    expect(status).toBe(201);
    return body.status.allowed;
  };
  expect(await allowed({ verb: "list", resource: "configmaps" })).toBe(true);
  expect(await allowed({ verb: "list", resource: "configmaps", namespace: sandbox.name })).toBe(
    true,
  );
  expect(await allowed({ verb: "get", resource: "configmaps" })).toBe(false);
  expect(await allowed({ verb: "patch", group: "apps", resource: "deployments" })).toBe(false);
});

test("a self review names the user", async ({ cluster }) => {
  expect(await nameOf(cluster, await authenticate(cluster, "jane", []))).toMatch(/(^|:)jane$/);
});

test("a watch sends the objects that exist, then each change, until its time is over", async ({
  cluster,
  sandbox,
}) => {
  await sandbox.create("configmaps", configMap("web"));
  const form = { accept: "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1" };
  const query = "watch=true&fieldSelector=metadata.name%3Dweb&timeoutSeconds=3";
  const path = `${sandbox.path("configmaps")}?${query}`;
  const watched = cluster.request("GET", path, { headers: form });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await sandbox.create("configmaps", configMap("other"));
  await sandbox.patch("configmaps", "web", { data: { size: "2" } });
  await cluster.request("DELETE", sandbox.path("configmaps", "web"));
  const { status, body } = await watched;
  const events = String(body)
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect([status, events.map(({ type }) => type)]).toEqual([200, ["ADDED", "MODIFIED", "DELETED"]]);
  for (const { object } of events) {
    expect(object).toMatchObject({ kind: "PartialObjectMetadata", metadata: { name: "web" } });
    expect(object).not.toHaveProperty("data");
  }

  const jane = await authenticate(cluster, "jane", [READS_CONFIG]);
  const refused = await cluster.request("GET", path, jane);
  expect(refused.status).toBe(403);
  expect(refused.body.message).toContain('cannot watch resource "configmaps"');
});

test("a terminating namespace rejects new objects and finally disappears", async ({
  cluster,
  sandbox,
}) => {
  const { name } = sandbox;
  await sandbox.create("pods", pod("last"));
  await sandbox.remove();
  const late = await cluster.request("POST", sandbox.path("configmaps"), {
    body: configMap("late"),
  });
  expect([403, 404]).toContain(late.status);
  await eventually(async () =>
    expect((await cluster.request("GET", `/api/v1/namespaces/${name}`)).status).toBe(404),
  );
  const back = await cluster.request("POST", "/api/v1/namespaces", { body: namespace(name) });
  expect(back.status).toBe(201);
});

test.for([
  ["GET", "/apis/networking.k8s.io/v1/ingresses"],
  ["GET", "/api/v1/pods?watch=true&sendInitialEvents=true"],
  ["GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dweb"],
  ["PUT", "/api/v1/namespaces/default"],
  ["DELETE", "/api/v1/namespaces/default/pods"],
] as const)(
  "the embedded server rejects requests that it does not implement: %s %s",
  async ([method, path], { cluster, skip }) => {
    onlyEmbedded(cluster, skip, "the real API server implements every request");
    const { status, body } = await cluster.request(method, path);
    expect(status).toBe(501);
    expect(body).toMatchObject({ kind: "Status", reason: "NotImplemented" });
    expect(body.message).toContain("does not serve");
  },
);

test("events.k8s.io/v1 takes an event that is complete, and shows it in both forms", async ({
  cluster,
  sandbox,
}) => {
  const path = `/apis/events.k8s.io/v1/namespaces/${sandbox.name}/events`;
  const { body: web } = await cluster.request("POST", sandbox.path("deployments"), {
    body: deployment("web"),
  });
  const { uid } = web.metadata;
  const event = {
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: { name: "web.0123456789abcdef", namespace: sandbox.name },
    eventTime: "2026-11-30T02:00:00.123000Z",
    reportingController: "istio-upgrade",
    reportingInstance: "machine-7",
    regarding: {
      apiVersion: "apps/v1",
      kind: "Deployment",
      namespace: sandbox.name,
      name: "web",
      uid,
    },
    type: "Normal",
    reason: "SidecarRestart",
    action: "Restart",
    note: "ü".repeat(512),
  };
  const wrong: readonly (readonly [status: number, change: object, problem: string])[] = [
    [422, { note: `${event.note}.` }, "can have at most 1024 characters"],
    [422, { eventTime: undefined }, "eventTime: Required value"],
    [400, { eventTime: "2026-11-30T02:00:00.123Z" }, "parsing time"],
    [422, { type: "Info" }, "has invalid value: Info"],
    [422, { reportingController: undefined }, "reportingController: Required value"],
    [422, { reportingInstance: "" }, "reportingInstance: Required value"],
    [422, { reportingInstance: "m".repeat(129) }, "can have at most 128 characters"],
    [422, { action: undefined }, "action: Required value"],
    [422, { reason: undefined }, "reason: Required value"],
    [422, { deprecatedCount: 1 }, "count: Invalid value"],
    [
      422,
      { regarding: { ...event.regarding, namespace: undefined } },
      "does not match event.namespace",
    ],
    [422, { metadata: { ...event.metadata, name: "web._" } }, "metadata.name: Invalid value"],
  ];
  for (const [status, change, problem] of wrong) {
    const { status: found, body } = await cluster.request("POST", path, {
      body: { ...event, ...change },
    });
    expect([problem, found, body.message]).toEqual([
      problem,
      status,
      expect.stringContaining(problem),
    ]);
  }
  const created = await cluster.request("POST", path, { body: event });
  expect(created).toMatchObject({ status: 201, body: event });
  const again = await cluster.request("POST", path, { body: event });
  expect([again.status, again.body.reason]).toEqual([409, "AlreadyExists"]);
  const core = await cluster.request(
    "GET",
    `${sandbox.path("events")}?fieldSelector=involvedObject.uid=${uid},reason=SidecarRestart`,
  );
  const { regarding, note, eventTime, type, reason } = event;
  expect(core.body.items).toMatchObject([
    {
      involvedObject: regarding,
      message: note,
      eventTime,
      type,
      reason,
      reportingComponent: "istio-upgrade",
      firstTimestamp: null,
      lastTimestamp: null,
    },
  ]);
});
