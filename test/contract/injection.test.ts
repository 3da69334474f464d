/* oxlint-disable vitest/no-standalone-expect -- `test` is vitest's own, with fixtures */
import { expect, vi } from "vitest";
import { pod } from "../support/manifests.ts";
import type { Answer, TestCluster } from "../support/test-cluster.ts";
import { type Sandbox, eventually, test as base } from "./sandbox.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const CLASSIC = { name: "asm-1-91", image: "mcr.microsoft.com/oss/v2/istio/proxyv2:v1.91.1-1" };
const NATIVE = {
  name: "asm-1-92",
  image: "mcr.microsoft.com/oss/v2/istio/proxyv2:v1.92.3-2",
  native: true,
};
const TAG = "contract-injection";

/** The test function with both revisions installed. The tag is removed after each test. */
const test = base.extend<{ readonly mesh: TestCluster }>({
  mesh: [
    async ({ cluster }, use) => {
      await cluster.installRevision(CLASSIC);
      await cluster.installRevision(NATIVE);
      await use(cluster);
      await cluster.removeTag(TAG);
    },
    { auto: true },
  ],
});

async function dryRun(
  cluster: TestCluster,
  sandbox: Sandbox,
  options = {},
): Promise<Answer["body"]> {
  const body = pod("dry", options);
  const answer = await cluster.request("POST", `${sandbox.path("pods")}?dryRun=All`, { body });
  expect(answer).toMatchObject({ status: 201 });
  return answer.body;
}

function container(found: Answer["body"], list: string, name: string): Answer["body"] {
  return found.spec[list]?.find((one: Answer["body"]) => one.name === name);
}

test("a dry-run create returns the injected pod and persists nothing", async ({ enter, mesh }) => {
  const sandbox = await enter({ "istio.io/rev": CLASSIC.name });
  const made = await dryRun(mesh, sandbox);
  expect(container(made, "containers", "istio-proxy").image).toBe(CLASSIC.image);
  expect(container(made, "containers", "app").image).toBe("registry.test/app:1.0");
  expect(container(made, "initContainers", "istio-init")).toBeDefined();
  expect(made.metadata.annotations["istio.io/rev"]).toBe(CLASSIC.name);
  const status = JSON.parse(made.metadata.annotations["sidecar.istio.io/status"]);
  expect(status).toMatchObject({
    initContainers: ["istio-init"],
    containers: ["istio-proxy"],
    revision: CLASSIC.name,
  });
  expect((await sandbox.get("pods", "dry")).code).toBe(404);
});

test("a native sidecar is an init container that is always restarted", async ({ enter, mesh }) => {
  const made = await dryRun(mesh, await enter({ "istio.io/rev": NATIVE.name }));
  const proxy = container(made, "initContainers", "istio-proxy");
  expect(proxy).toMatchObject({ image: NATIVE.image, restartPolicy: "Always" });
  expect(container(made, "containers", "istio-proxy")).toBeUndefined();
  const status = JSON.parse(made.metadata.annotations["sidecar.istio.io/status"]);
  expect(status).toMatchObject({ containers: null, revision: NATIVE.name });
  expect(status.initContainers).toEqual(expect.arrayContaining(["istio-init", "istio-proxy"]));
});

test.for([
  ["label", { labels: { "sidecar.istio.io/inject": "false" } }],
  ["annotation", { annotations: { "sidecar.istio.io/inject": "false" } }],
])("a pod opts out with the %s sidecar.istio.io/inject", async ([, options], { enter, mesh }) => {
  const made = await dryRun(mesh, await enter({ "istio.io/rev": CLASSIC.name }), options);
  expect(container(made, "containers", "istio-proxy")).toBeUndefined();
});

test("nothing is injected if the namespace names a revision that is not installed", async ({
  enter,
  mesh,
}) => {
  const made = await dryRun(mesh, await enter({ "istio.io/rev": "asm-1-1" }));
  expect(made.spec.containers).toHaveLength(1);
  expect(made.metadata.annotations?.["istio.io/rev"]).toBeUndefined();
});

test("a tag leads to its revision until it is removed", async ({ enter, mesh }) => {
  await mesh.setTag(TAG, CLASSIC.name);
  const sandbox = await enter({ "istio.io/rev": TAG });
  const revision = async () => (await dryRun(mesh, sandbox)).metadata.annotations?.["istio.io/rev"];
  await eventually(async () => expect(await revision()).toBe(CLASSIC.name));
  await mesh.setTag(TAG, NATIVE.name);
  await eventually(async () => expect(await revision()).toBe(NATIVE.name));
  await mesh.removeTag(TAG);
  await eventually(async () => expect(await revision()).toBeUndefined());
  await mesh.removeTag(TAG);
});

test("new pods get the image that the revision was moved to", async ({ enter, mesh }) => {
  const sandbox = await enter({ "istio.io/rev": CLASSIC.name });
  const image = "mcr.microsoft.com/oss/v2/istio/proxyv2:v1.91.4-6";
  await mesh.moveImage(CLASSIC.name, image);
  const injected = async () =>
    container(await dryRun(mesh, sandbox), "containers", "istio-proxy").image;
  await eventually(async () => expect(await injected()).toBe(image));
  await mesh.installRevision(CLASSIC);
  await eventually(async () => expect(await injected()).toBe(CLASSIC.image));
});

test("installing a revision creates the objects that clients read", async ({ mesh }) => {
  const istio = "/api/v1/namespaces/aks-istio-system";
  const map = await mesh.request(
    "GET",
    `${istio}/configmaps/istio-sidecar-injector-${CLASSIC.name}`,
  );
  expect(JSON.parse(map.body.data.values).global.proxy.image).toBe(CLASSIC.image);
  expect(map.body.data.config).toContain("{{ .ProxyImage }}");
  const service = await mesh.request("GET", `${istio}/services/istiod-${CLASSIC.name}`);
  expect(service.body.spec.selector).toEqual({ app: "istiod", "istio.io/rev": CLASSIC.name });
  const apps = "/apis/apps/v1/namespaces/aks-istio-system/deployments";
  const istiod = await mesh.request("GET", `${apps}/istiod-${CLASSIC.name}`);
  expect(istiod.body.spec.template.metadata.labels).toMatchObject(service.body.spec.selector);
  const [{ env }] = istiod.body.spec.template.spec.containers;
  expect(env).toContainEqual({ name: "REVISION", value: CLASSIC.name });
});

test("a revision's Service has a ready endpoint", async ({ mesh }) => {
  const path = "/apis/discovery.k8s.io/v1/namespaces/aks-istio-system/endpointslices";
  const service = `kubernetes.io/service-name=istiod-${CLASSIC.name}`;
  const ready = async () => {
    const { body } = await mesh.request("GET", `${path}?labelSelector=${service}`);
    const endpoints = body.items.flatMap((slice: Answer["body"]) => slice.endpoints ?? []);
    return endpoints.map(({ conditions }: Answer["body"]) => conditions.ready);
  };
  await eventually(async () => expect(await ready()).toEqual([true]));
});

test.for([
  [`istio-sidecar-injector-${CLASSIC.name}-aks-istio-system`, CLASSIC.name, undefined],
  [`istio-revision-tag-${TAG}-aks-istio-system`, TAG, TAG],
])("%s has the webhooks of its revision", async ([name, value, tag], { mesh }) => {
  await mesh.setTag(TAG, CLASSIC.name);
  const path = `/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/${name}`;
  const { body } = await mesh.request("GET", path);
  expect(body.metadata.labels["istio.io/rev"]).toBe(CLASSIC.name);
  expect(body.metadata.labels["istio.io/tag"]).toBe(tag);
  const common = {
    clientConfig: {
      service: {
        namespace: "aks-istio-system",
        name: `istiod-${CLASSIC.name}`,
        path: "/inject",
        port: 443,
      },
    },
    failurePolicy: "Fail",
    rules: [{ operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] }],
  };
  const [namespaced, single] = ["rev.namespace", "rev.object"].map((prefix) =>
    body.webhooks.find(
      (hook: Answer["body"]) => hook.name === `${prefix}.sidecar-injector.istio.io`,
    ),
  );
  expect(body.webhooks).toHaveLength(2);
  const optedOut = { key: "sidecar.istio.io/inject", operator: "NotIn", values: ["false"] };
  const named = { key: "istio.io/rev", operator: "In", values: [value] };
  const unlabelled = (key: string) => ({ key, operator: "DoesNotExist" });
  expect(namespaced).toMatchObject(common);
  expect(namespaced.clientConfig.caBundle).toBeTypeOf("string");
  expect(namespaced.namespaceSelector.matchExpressions).toEqual([
    named,
    unlabelled("istio-injection"),
  ]);
  expect(namespaced.objectSelector.matchExpressions).toEqual([optedOut]);
  expect(single).toMatchObject(common);
  const neither = [unlabelled("istio.io/rev"), unlabelled("istio-injection")];
  expect(single.namespaceSelector.matchExpressions).toEqual(neither);
  expect(single.objectSelector.matchExpressions).toEqual(expect.arrayContaining([optedOut, named]));
});

test.for([
  [CLASSIC.name, "containerStatuses"],
  [NATIVE.name, "initContainerStatuses"],
] as const)("a running pod of %s has a ready proxy in %s", async ([revision, list], { enter }) => {
  const sandbox = await enter({ "istio.io/rev": revision });
  await sandbox.create("pods", pod("web"));
  const proxy = async () => {
    const { status } = await sandbox.get("pods", "web");
    return status[list]?.find(({ name }: Answer["body"]) => name === "istio-proxy");
  };
  await eventually(async () => expect(await proxy()).toMatchObject({ ready: true, started: true }));
  expect((await sandbox.get("pods", "web")).status.phase).toBe("Running");
});
