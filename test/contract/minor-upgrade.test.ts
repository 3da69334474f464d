import { afterEach, describe, expect, onTestFinished, vi } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { configMap, deployment, pod, statefulSet } from "../support/manifests.ts";
import { stepParts } from "../../src/report/step-parts.ts";
import { parseReport } from "../support/report-schema.ts";
import { runProgram } from "../support/run-program.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { GATEWAY_CRD } from "../testbed/gateway-crd.ts";
import { eventually, type Sandbox, test, untilAlone, untilReady } from "./sandbox.ts";
import { createTypist, type Typist } from "./typed-steps.ts";

vi.setConfig({ testTimeout: 900_000 });

/** Only this file uses these revisions. */
const FROM = { name: "asm-1-63", image: proxyImage("v1.63.5-2") };
const TO = { name: "asm-1-64", image: proxyImage("v1.64.3-1") };
const [STABLE, CANARY] = ["prod-stable", "prod-canary"];
const REVISION = "istio.io/rev";
const MAPS = "/api/v1/namespaces/aks-istio-system/configmaps";
const SHARED = "istio-shared-configmap";
const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

interface World {
  readonly sandboxes: readonly Sandbox[];
  /** The number of pods in all namespaces. */
  readonly pods: number;
  /** The namespace with a bare pod. */
  readonly byHand: Sandbox;
}

/** Creates namespaces that use the old revision in every way. */
async function createWorld(
  cluster: TestCluster,
  enter: (labels?: Readonly<Record<string, string>>, prefix?: string) => Promise<Sandbox>,
): Promise<World> {
  await cluster.installRevision(FROM);
  for (const tag of [STABLE, CANARY]) await cluster.setTag(tag, FROM.name);
  const shared = configMap(`${SHARED}-${FROM.name}`, { mesh: "accessLogFile: /dev/stdout\n" });
  await cluster.request("POST", MAPS, { body: shared });

  const plain = await enter({ [REVISION]: FROM.name }, "plain");
  await plain.create("deployments", deployment("web", { replicas: 2 }));
  await plain.create("statefulsets", statefulSet("db", { replicas: 2 }));

  const byHand = await enter({ [REVISION]: FROM.name }, "by-hand");
  await byHand.create("deployments", deployment("web"));
  await byHand.create("pods", pod("tool"));
  await byHand.create("statefulsets", statefulSet("single"));

  const excluded = await enter({ [REVISION]: FROM.name }, "excluded");
  await excluded.create("deployments", {
    ...deployment("web"),
    metadata: { name: "web", annotations: { "istio-upgrade/exclude": "true" } },
  });

  const canary = await enter({ [REVISION]: CANARY }, "canary");
  await canary.create("deployments", deployment("web", { replicas: 2 }));
  const stable = await enter({ [REVISION]: STABLE }, "stable");
  await stable.create("deployments", deployment("web", { replicas: 3 }));

  // Without a label of the namespace, that of the pod counts.
  const templates = await enter({}, "templates");
  const named = { labels: { [REVISION]: FROM.name } };
  await templates.create("deployments", deployment("web", named));
  const tagged = { labels: { [REVISION]: STABLE } };
  await templates.create("statefulsets", statefulSet("db", { ...tagged, replicas: 2 }));

  const sizes = new Map([
    [plain, 4],
    [byHand, 3],
    [excluded, 1],
    [canary, 2],
    [stable, 3],
    [templates, 3],
  ]);
  for (const [sandbox, size] of sizes) await untilReady(sandbox, size);
  const pods = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  return { sandboxes: [...sizes.keys()], pods, byHand };
}

/** The live pods without a sidecar. */
async function bare({ sandboxes }: World): Promise<readonly string[]> {
  const pods = (await Promise.all(sandboxes.map((sandbox) => sandbox.pods()))).flat();
  return pods
    .filter(({ metadata }) => metadata.annotations?.["sidecar.istio.io/status"] === undefined)
    .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
}

async function statusTo(typist: Typist, to: string) {
  const ran = await runProgram(["status", "--to", to, "--json"], {
    KUBECONFIG: typist.kubeconfig,
  });
  return { status: ran.status, ...parseReport("StatusReport", ran.stdout) };
}

/** Does what no command can: a bare pod has no controller that creates it again. */
async function doByHand({ byHand }: World, cluster: TestCluster): Promise<void> {
  const path = byHand.path("pods", "tool");
  await cluster.request("DELETE", path);
  await eventually(async () => expect((await cluster.request("GET", path)).status).toBe(404));
  await byHand.create("pods", pod("tool"));
  await untilReady(byHand, 3);
}

/** Creates a Gateway that names the old revision, until the test ends. The embedded cluster has no such kind. */
async function createGateway(cluster: TestCluster, namespace: string): Promise<void> {
  if (cluster.kind !== "real") return;
  await cluster.request("POST", CRDS, { body: GATEWAY_CRD });
  onTestFinished(async () => {
    await cluster.request("DELETE", `${CRDS}/${GATEWAY_CRD.metadata.name}`);
  });
  const path = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/gateways`;
  const body = {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: { name: "edge", labels: { [REVISION]: FROM.name } },
    spec: { gatewayClassName: "none", listeners: [] },
  };
  await eventually(async () =>
    expect((await cluster.request("POST", path, { body })).status).toBe(201),
  );
}

interface Typed {
  readonly phase: string | null;
  readonly step: string;
}

/**
 * Types the next step again and again.
 *
 * @param isEnough ends the typing before the phase is `current`.
 * @param onStarted runs once the new revision is installed.
 * @returns what was typed, in which phase.
 */
async function typeUntil(
  world: World,
  { cluster, typist, to }: { cluster: TestCluster; typist: Typist; to: string },
  isEnough: (typed: readonly Typed[]) => boolean = () => false,
  onStarted: () => Promise<void> = () => Promise.resolve(),
): Promise<readonly Typed[]> {
  const typed: Typed[] = [];
  for (let count = 0; count < 60; count++) {
    const { phase, status, nextStep, gaps } = await statusTo(typist, to);
    expect(gaps).toEqual([]);
    expect(status === 0).toBe(phase === "current");
    if (phase === "current" || isEnough(typed)) return typed;
    expect(nextStep, JSON.stringify(typed, undefined, 1)).not.toBe("");
    typed.push({ phase, step: nextStep });
    const parts = stepParts(nextStep);
    const command = parts.find(({ kind }) => kind === "command");
    if (nextStep.includes("FILE")) await doByHand(world, cluster);
    else await typist.type(command?.text ?? nextStep);
    if (nextStep.includes("upgrade start")) await onStarted();
    // A new pod without its sidecar is lost.
    expect(await bare(world), nextStep).toEqual([]);
  }
  throw new Error(`no end: ${JSON.stringify(typed.slice(-5), undefined, 1)}`);
}

const phasesIn = (typed: readonly Typed[]) => [...new Set(typed.map(({ phase }) => phase))];

describe("the next step, typed again and again,", () => {
  const typists: Typist[] = [];
  afterEach(() => {
    for (const typist of typists.splice(0)) typist.remove();
  });

  function typistOf(cluster: TestCluster): Typist {
    const typist = createTypist(cluster, [FROM, TO]);
    typists.push(typist);
    return typist;
  }

  test("upgrades a mesh from `planning` to `current`, and loses no sidecar", async ({
    cluster,
    enter,
  }) => {
    const world = await createWorld(cluster, enter);
    const typist = typistOf(cluster);
    const forward = { cluster, typist, to: TO.name };
    const [{ name: edge } = { name: "" }] = world.sandboxes;
    const gateway = `kubectl label gateways.gateway.networking.k8s.io edge -n ${edge} istio.io/rev=${TO.name} --overwrite`;
    const typed = await typeUntil(world, forward, undefined, () => createGateway(cluster, edge));
    expect(phasesIn(typed)).toEqual(["planning", "ready", "moving", "moved", "leftovers"]);
    const steps = typed.map(({ step }) => step);
    expect(steps[0]).toContain(`${SHARED}-${FROM.name}`);
    expect(steps[1]).toBe(
      `az aks mesh upgrade start --resource-group test-rg --name test-aks --revision ${TO.name}`,
    );
    expect(steps).toContain(
      `istio-upgrade revisions ${FROM.name} --assert-unused && az aks mesh upgrade complete --resource-group test-rg --name test-aks`,
    );
    expect(steps.at(-1)).toBe(
      `kubectl delete configmap ${SHARED}-${FROM.name} -n aks-istio-system`,
    );
    expect(steps.includes(gateway)).toBe(cluster.kind === "real");
    await expectOn(world, TO.name);
    await cluster.request("DELETE", `${MAPS}/${SHARED}-${TO.name}`);
    for (const tag of [STABLE, CANARY]) await cluster.removeTag(tag);
    await cluster.removeRevision(TO.name);
  });

  test("takes an upgrade back from the middle, and loses no sidecar", async ({
    cluster,
    enter,
  }) => {
    // A namespace of the other test may still be terminating, and lead to the new revision.
    await untilAlone(cluster, TO.name);
    const world = await createWorld(cluster, enter);
    const typist = typistOf(cluster);
    const forward = { cluster, typist, to: TO.name };
    const isMiddle = (typed: readonly Typed[]) =>
      typed.filter(({ phase }) => phase === "moving").length >= 4;
    const typed = await typeUntil(world, forward, isMiddle);
    expect(phasesIn(typed)).toEqual(["planning", "ready", "moving"]);
    const back = await typeUntil(world, { cluster, typist, to: FROM.name });
    expect(phasesIn(back)).toEqual(["moving", "moved", "leftovers"]);
    expect(back.map(({ step }) => step)).toContain(
      `istio-upgrade revisions ${TO.name} --assert-unused && az aks mesh upgrade rollback --resource-group test-rg --name test-aks`,
    );
    expect(back.at(-1)?.step).toBe(
      `kubectl delete configmap ${SHARED}-${TO.name} -n aks-istio-system`,
    );
    await expectOn(world, FROM.name);
    await cluster.request("DELETE", `${MAPS}/${SHARED}-${FROM.name}`);
  });

  async function expectOn({ sandboxes, pods: wanted }: World, revision: string): Promise<void> {
    const pods = (await Promise.all(sandboxes.map((sandbox) => sandbox.pods()))).flat();
    const found = pods.map(({ metadata }) => metadata.annotations[REVISION]);
    expect(found).toEqual(Array.from({ length: wanted }, () => revision));
  }
});
