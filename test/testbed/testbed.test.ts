import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { createClaim } from "../contract/claim.ts";
import { createPodWebhook } from "../contract/pod-webhook.ts";
import { createReplaceable } from "../contract/replaceable.ts";
import { eventually, openSandbox, untilReady } from "../contract/sandbox.ts";
import { deployment } from "../support/manifests.ts";
import { POD_BEHAVIOUR, type Answer } from "../support/test-cluster.ts";
import { GATEWAY_CRD } from "./gateway-crd.ts";
import { deleteLeftObjects } from "./left-objects.ts";
import { openRealCluster } from "./open-real-cluster.ts";
import type { RealCluster } from "./real-cluster.ts";

const IMAGE = "mcr.microsoft.com/oss/v2/istio/proxyv2:v1.26.1-1";
const NEXT_IMAGE = "mcr.microsoft.com/oss/v2/istio/proxyv2:v1.26.2-1";
const CLASSIC = "bed-classic";
const NATIVE = "bed-native";

let cluster: RealCluster;

beforeAll(async () => {
  cluster = openRealCluster();
  await Promise.all([
    cluster.installRevision({ name: CLASSIC, image: IMAGE }),
    cluster.installRevision({ name: NATIVE, image: IMAGE, native: true }),
  ]);
}, 60_000);

afterAll(async () => {
  await Promise.all([cluster.removeRevision(CLASSIC), cluster.removeRevision(NATIVE)]);
  await cluster.stop();
});

test("pods of a labelled namespace get sidecars, in dry runs and in rollouts that complete", async () => {
  const namespace = await newNamespace("bed-rollout", CLASSIC);

  const pod = await dryRun(namespace);
  expect(pod.status).toBe(201);
  expect(sidecarOf(pod.body.spec.containers)).toBe(IMAGE);
  expect(sidecarOf(pod.body.spec.initContainers)).toBeUndefined();

  await createDeployment(namespace, "web");
  await expect.poll(() => readyReplicas(namespace, "web"), { timeout: 10_000 }).toBe(2);
  const pods = await podsOf(namespace, "web");
  expect(pods.map(({ spec }) => sidecarOf(spec.containers))).toEqual([IMAGE, IMAGE]);
});

test("a native revision injects the sidecar as an init container", async () => {
  const pod = await dryRun(await newNamespace("bed-sidecars", NATIVE));

  expect(sidecarOf(pod.body.spec.containers)).toBeUndefined();
  expect(sidecarOf(pod.body.spec.initContainers)).toBe(IMAGE);
  const path = `/apis/apps/v1/namespaces/aks-istio-system/deployments/istiod-${NATIVE}`;
  const { body } = await cluster.request("GET", path);
  expect(body.spec.template.spec.containers[0].env).toContainEqual({
    name: "ENABLE_NATIVE_SIDECARS",
    value: "true",
  });
});

test("a tag injects the same as its revision until it is removed", async () => {
  await cluster.setTag("bed-tag", CLASSIC);
  const namespace = await newNamespace("bed-tagged", "bed-tag");
  expect(sidecarOf((await dryRun(namespace)).body.spec.containers)).toBe(IMAGE);

  await cluster.setTag("bed-tag", NATIVE);
  expect(sidecarOf((await dryRun(namespace)).body.spec.initContainers)).toBe(IMAGE);

  await cluster.removeTag("bed-tag");
  expect((await dryRun(namespace)).body.spec.containers).toHaveLength(1);
  await cluster.removeTag("bed-tag");
});

test("a new image is injected at once, also after a second installation", async () => {
  const namespace = await newNamespace("bed-moved", CLASSIC);
  await cluster.moveImage(CLASSIC, NEXT_IMAGE);
  expect(sidecarOf((await dryRun(namespace)).body.spec.containers)).toBe(NEXT_IMAGE);

  await cluster.installRevision({ name: CLASSIC, image: IMAGE });
  expect(sidecarOf((await dryRun(namespace)).body.spec.containers)).toBe(IMAGE);
});

test("a pod becomes ready after the requested time", async () => {
  const namespace = await newNamespace("bed-late");
  const started = Date.now();
  await createDeployment(namespace, "late", { [POD_BEHAVIOUR.readyAfter]: "2s" });
  await sleep(1000);
  expect(await readyReplicas(namespace, "late")).toBe(0);
  await expect.poll(() => readyReplicas(namespace, "late"), { timeout: 10_000 }).toBe(2);
  expect(Date.now() - started).toBeGreaterThan(2000);
  const [pod] = await podsOf(namespace, "late");
  const ready = pod?.status.conditions?.find(({ type }) => type === "Ready");
  expect(ready).not.toHaveProperty("reason");
});

test.each(["ErrImagePull", "CrashLoopBackOff", "CreateContainerConfigError"])(
  "a pod fails with the requested reason %s",
  async (reason) => {
    const namespace = await newNamespace(`bed-${reason.toLowerCase()}`, CLASSIC);
    await createDeployment(namespace, "bad", { [POD_BEHAVIOUR.fail]: reason });
    const waiting = async () => {
      const pods = await podsOf(namespace, "bad");
      return pods.map(({ status }) => status.containerStatuses?.[0]?.state.waiting);
    };
    const expected = expect.objectContaining({ reason, message: expect.any(String) });
    await expect.poll(waiting, { timeout: 10_000 }).toEqual([expected, expected]);
    expect(await readyReplicas(namespace, "bad")).toBe(0);
  },
);

test("a namespace ends although its pods would drain for minutes", async () => {
  const sandbox = await openSandbox(cluster, { "istio.io/rev": CLASSIC }, "bed-draining");
  const annotations = { [POD_BEHAVIOUR.drain]: "5m" };
  await sandbox.create("deployments", deployment("web", { replicas: 2, annotations }));
  await untilReady(sandbox, 2);
  await sandbox.remove();
  const path = `/api/v1/namespaces/${sandbox.name}`;
  await expect
    .poll(async () => (await cluster.request("GET", path)).status, { timeout: 60_000 })
    .toBe(404);
});

test("the end of a test file removes the nodes, volumes, priorities and webhooks that it has left", async () => {
  const enter = (labels: Readonly<Record<string, string>>) =>
    openSandbox(cluster, labels, "bed-left");
  const revision = { name: NATIVE, from: IMAGE, to: IMAGE };
  const { sandbox, node } = await createReplaceable(cluster, enter, revision);
  await createClaim(cluster, sandbox, "data", "ReadWriteOnce");
  const clientConfig = { url: "https://127.0.0.1:1/never" };
  await createPodWebhook(cluster, sandbox, {
    prefix: "left",
    name: "left.pods.test",
    clientConfig,
  });
  const priority = {
    apiVersion: "scheduling.k8s.io/v1",
    kind: "PriorityClass",
    metadata: { name: "left" },
    value: 1,
  };
  const priorities = "/apis/scheduling.k8s.io/v1/priorityclasses";
  await cluster.request("POST", priorities, { body: priority });
  const left = [
    `/api/v1/nodes/${node}`,
    `/api/v1/persistentvolumes/${sandbox.name}-data`,
    `${priorities}/left`,
    `/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/left-${sandbox.name}`,
  ];
  const statuses = () =>
    Promise.all(left.map(async (path) => (await cluster.request("GET", path)).status));
  expect(await statuses()).toEqual([200, 200, 200, 200]);

  const nodes = "/api/v1/nodes";
  const real = { apiVersion: "v1", kind: "Node", metadata: { name: "left-to-its-kubelet" } };
  expect((await cluster.request("POST", nodes, { body: real })).status).toBe(201);
  onTestFinished(async () => {
    await cluster.request("DELETE", `${nodes}/${real.metadata.name}`);
  });

  await sandbox.remove();
  await deleteLeftObjects(cluster);
  await eventually(async () => {
    expect(await statuses()).toEqual([404, 404, 404, 404]);
    expect((await cluster.request("GET", `/api/v1/namespaces/${sandbox.name}`)).status).toBe(404);
  }, 30_000);
  // The objects of the bed, of a real kubelet and of the installed revisions stay.
  const { body } = await cluster.request("GET", nodes);
  expect(body.items.map(({ metadata }: Answer["body"]) => metadata.name)).toEqual([
    "aks-nodepool1-0",
    "aks-nodepool1-1",
    "aks-nodepool1-2",
    real.metadata.name,
  ]);
  expect((await dryRun(await newNamespace("bed-not-left", CLASSIC))).status).toBe(201);
});

test("a Job completes, unless a classic sidecar keeps running", async () => {
  const [native, classic] = [
    await newNamespace("bed-job-native", NATIVE),
    await newNamespace("bed-job-classic", CLASSIC),
  ];
  await Promise.all([createJob(native), createJob(classic)]);
  const statusOf = async (namespace: string) =>
    (await cluster.request("GET", `/apis/batch/v1/namespaces/${namespace}/jobs/job`)).body.status;
  await expect.poll(async () => (await statusOf(native)).succeeded, { timeout: 10_000 }).toBe(1);
  await expect.poll(async () => (await statusOf(classic)).ready, { timeout: 10_000 }).toBe(1);
  expect((await statusOf(classic)).succeeded).toBeUndefined();
});

test("a broken revision rejects pods until it is restored", async () => {
  const namespace = await newNamespace("bed-broken", CLASSIC);
  expect((await dryRun(namespace)).status).toBe(201);

  await cluster.breakRevision(CLASSIC);
  const refused = await dryRun(namespace);
  expect(refused.status).toBe(500);
  expect(refused.body.message).toContain('failed calling webhook "rev.namespace.sidecar-injector');

  await cluster.restoreRevision(CLASSIC);
  expect((await dryRun(namespace)).status).toBe(201);
});

test("a control plane starts while only one type of the Gateway API is defined", async () => {
  const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  expect((await cluster.request("POST", path, { body: GATEWAY_CRD })).status).toBe(201);
  const body = {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: { name: "edge" },
    spec: { gatewayClassName: "none", listeners: [] },
  };
  const gateways = "/apis/gateway.networking.k8s.io/v1/namespaces/default/gateways";
  const create = () => cluster.request("POST", gateways, { body });
  await expect.poll(async () => (await create()).status).toBe(201);
  await cluster.installRevision({ name: "bed-gateway", image: IMAGE });
  await cluster.removeRevision("bed-gateway");
  await cluster.request("DELETE", `${path}/${GATEWAY_CRD.metadata.name}`);
});

test("a user has the permissions in the rules, and the audit log has the user's requests", async () => {
  const rules = [{ apiGroups: [""], resources: ["pods"], verbs: ["list"] }];
  const kubeconfig = await cluster.userKubeconfig("bed-user", rules);
  const token = /token: (\S+)/.exec(await readFile(kubeconfig, "utf8"))?.[1];
  const headers = { authorization: `Bearer ${token}`, "user-agent": "bed-test/1" };

  expect((await cluster.request("GET", "/api/v1/pods", { headers })).status).toBe(200);
  const refused = await cluster.request("GET", "/api/v1/namespaces", { headers });
  expect(refused.status).toBe(403);
  expect(refused.body.message).toContain("cannot list resource");

  const seen = async () => {
    const lines = (await readFile(cluster.auditLog, "utf8")).trim().split("\n");
    const events = lines.map((line) => JSON.parse(line));
    return events
      .filter(({ userAgent }) => userAgent === "bed-test/1")
      .map(({ verb, requestURI, responseStatus }) => [verb, requestURI, responseStatus.code]);
  };
  await expect.poll(seen).toEqual([
    ["list", "/api/v1/pods", 200],
    ["list", "/api/v1/namespaces", 403],
  ]);
});

async function newNamespace(name: string, revision?: string): Promise<string> {
  const labels = revision === undefined ? {} : { "istio.io/rev": revision };
  const { status } = await cluster.request("POST", "/api/v1/namespaces", {
    body: { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } },
  });
  expect(status).toBe(201);
  const account = `/api/v1/namespaces/${name}/serviceaccounts/default`;
  await expect.poll(async () => (await cluster.request("GET", account)).status).toBe(200);
  return name;
}

function dryRun(namespace: string): Promise<Answer> {
  return cluster.request("POST", `/api/v1/namespaces/${namespace}/pods?dryRun=All`, {
    body: { apiVersion: "v1", kind: "Pod", metadata: { name: "dry" }, spec: POD_SPEC },
  });
}

const POD_SPEC = { containers: [{ name: "app", image: "app:1" }] };

async function createDeployment(
  namespace: string,
  name: string,
  annotations: Readonly<Record<string, string>> = {},
): Promise<void> {
  const labels = { app: name };
  const template = { metadata: { labels, annotations }, spec: POD_SPEC };
  const { status } = await cluster.request(
    "POST",
    `/apis/apps/v1/namespaces/${namespace}/deployments`,
    {
      body: {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name },
        spec: { replicas: 2, selector: { matchLabels: labels }, template },
      },
    },
  );
  expect(status).toBe(201);
}

async function createJob(namespace: string): Promise<void> {
  const template = { spec: { ...POD_SPEC, restartPolicy: "Never" } };
  const { status } = await cluster.request("POST", `/apis/batch/v1/namespaces/${namespace}/jobs`, {
    body: { apiVersion: "batch/v1", kind: "Job", metadata: { name: "job" }, spec: { template } },
  });
  expect(status).toBe(201);
}

async function readyReplicas(namespace: string, name: string): Promise<number> {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
  return (await cluster.request("GET", path)).body.status.readyReplicas ?? 0;
}

interface SeenPod {
  readonly spec: { readonly containers: SeenContainers };
  readonly status: {
    readonly conditions?: readonly { readonly type: string }[];
    readonly containerStatuses?: readonly { readonly state: { readonly waiting?: unknown } }[];
  };
}

type SeenContainers = readonly { readonly name: string; readonly image: string }[];

async function podsOf(namespace: string, app: string): Promise<readonly SeenPod[]> {
  const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3D${app}`;
  return (await cluster.request("GET", path)).body.items;
}

function sidecarOf(containers: SeenContainers = []): string | undefined {
  return containers.find(({ name }) => name === "istio-proxy")?.image;
}
