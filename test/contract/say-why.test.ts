import { describe, expect, vi } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { argoRollout, daemonSet, deployment } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { startProgram } from "../support/run-program.ts";
import { POD_BEHAVIOUR, type TestCluster } from "../support/test-cluster.ts";
import {
  countNodes,
  eventually,
  RESTARTED_AT,
  run,
  type Sandbox,
  test,
  untilInjected,
  untilReady,
} from "./sandbox.ts";

vi.setConfig({ testTimeout: 180_000 });

const REVISION = "asm-1-65";
const [OLD, NEW] = [proxyImage("v1.65.0-1"), proxyImage("v1.65.2-1")];

const failing = (reason: string) => ({ annotations: { [POD_BEHAVIOUR.failRestarted]: reason } });

/** The events of the kubelet and the attach/detach controller about the pods of a workload. */
const EVENTS: Readonly<Record<string, readonly [reason: string, message: string, field?: string]>> =
  {
    proxy: [
      "Unhealthy",
      "Readiness probe failed: HTTP probe failed with statuscode: 503",
      "spec.containers{istio-proxy}",
    ],
    disk: [
      "FailedAttachVolume",
      'Multi-Attach error for volume "pvc-1": Volume is already used by pod(s) disk-1',
    ],
    network: ["FailedCreatePodSandBox", "Failed to create pod sandbox: istio-cni: no iptables"],
  };

async function recordEvent(cluster: TestCluster, sandbox: Sandbox, pod: Pod): Promise<void> {
  const { name, namespace, uid, labels } = pod.metadata;
  const found = EVENTS[labels.app ?? ""];
  if (found === undefined) return;
  const [reason, message, fieldPath] = found;
  const now = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  const involvedObject = { apiVersion: "v1", kind: "Pod", name, namespace, uid, fieldPath };
  const event = { type: "Warning", count: 1, firstTimestamp: now, lastTimestamp: now };
  const early = { ...event, reason: "FailedScheduling", message: "0/3 nodes are available" };
  for (const fields of [early, { ...event, reason, message }]) {
    const metadata = { generateName: `${name}.`, namespace };
    const about = fields === early ? { ...involvedObject, fieldPath: undefined } : involvedObject;
    const body = { apiVersion: "v1", kind: "Event", metadata, involvedObject: about, ...fields };
    const { status } = await cluster.request("POST", sandbox.path("events"), { body });
    expect(status).toBe(201);
  }
}

interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

async function setFinalizers(
  cluster: TestCluster,
  sandbox: Sandbox,
  pod: string,
  finalizers: readonly string[],
): Promise<void> {
  const contentType = "application/merge-patch+json";
  const sent = { body: { metadata: { finalizers } }, contentType };
  expect((await cluster.request("PATCH", sandbox.path("pods", pod), sent)).status).toBe(200);
}

describe("a restart that does not succeed", () => {
  test("says which pod, container, event, node or budget is in the way", async ({
    cluster,
    enter,
  }) => {
    await cluster.installArgoRollouts();
    await cluster.installRevision({ name: REVISION, image: OLD });
    await cluster.moveImage(REVISION, OLD);
    const sandbox = await enter({ "istio.io/rev": REVISION });
    const nodes = await countNodes(cluster);
    await sandbox.create("deployments", deployment("proxy", failing("Unready")));
    await sandbox.create("deployments", deployment("disk", failing("NotStarted")));
    await sandbox.create("deployments", deployment("network", failing("NotStarted")));
    await sandbox.create("deployments", deployment("init", failing("Init:Running")));
    await sandbox.create("deployments", deployment("slow", { spec: { minReadySeconds: 20 } }));
    await sandbox.create("daemonsets", daemonSet("agent"));
    await sandbox.create("rollouts", argoRollout("canary", { replicas: 2 }));
    await sandbox.create("poddisruptionbudgets", {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name: "strict" },
      spec: { maxUnavailable: 0, selector: { matchLabels: { app: "canary" } } },
    });
    await untilReady(sandbox, 7 + nodes);
    await eventually(async () =>
      expect((await sandbox.get("deployments", "slow")).status.availableReplicas).toBe(1),
    );
    const held = (await sandbox.pods()).find(({ metadata }) => metadata.labels.app === "agent");
    await setFinalizers(cluster, sandbox, held.metadata.name, ["test.istio-upgrade/held"]);
    await cluster.moveImage(REVISION, NEW);
    await untilInjected(cluster, sandbox, NEW);

    const args = ["restart", "-n", sandbox.name, "--yes", "--json", "--timeout=10s"];
    const limits = ["--include=unhealthy", "--max-parallel=9", "--max-failures=9"];
    const running = startProgram([...args, ...limits], { KUBECONFIG: cluster.kubeconfig });
    const told = new Set<string>();
    const names = Object.keys(EVENTS);
    await eventually(async () => {
      for (const pod of (await sandbox.pods()) as Pod[]) {
        const { annotations, labels, uid } = pod.metadata;
        if (annotations?.[RESTARTED_AT] === undefined || told.has(labels.app ?? "")) continue;
        expect(uid).not.toBe("");
        await recordEvent(cluster, sandbox, pod);
        told.add(labels.app ?? "");
      }
      expect(names.filter((name) => !told.has(name))).toEqual([]);
    });
    const { stdout, status } = await running.done;
    const { results, nextStep } = parseReport("RestartReport", stdout);
    const found = Object.fromEntries(results.map((result) => [result.name, result]));
    const still = "no progress for 10s, still rolling: ";
    const served = "; 1 old pod still serves";
    const words = Object.fromEntries(results.map(({ name, message }) => [name, message]));
    // Only the pods of a DaemonSet have a node in the embedded cluster.
    const on = cluster.kind === "real" ? " on \\S+" : "";
    const pod = (name: string) => `the new pod ${name}-\\S+${on}`;
    const matching = (text: string) => expect.stringMatching(new RegExp(`^${still}${text}$`));
    expect(words).toEqual({
      proxy: matching(
        `the container istio-proxy of ${pod("proxy")} is not ready: ${EVENTS["proxy"]?.[1]}${served}`,
      ),
      disk: matching(
        `the containers of ${pod("disk")} have not started: FailedAttachVolume: Multi-Attach error for volume .*${served}`,
      ),
      network: matching(
        `the containers of ${pod("network")} have not started: FailedCreatePodSandBox: Failed to create pod sandbox: .*${served}`,
      ),
      init: matching(`the init container istio-init of ${pod("init")} has not completed${served}`),
      slow: "rolled out",
      agent: matching(`the old pod ${held.metadata.name} on ${held.spec.nodeName} is .*`),
      canary: matching(
        "the PodDisruptionBudget strict allows no eviction, so Argo Rollouts cannot restart 2 old pods; .*; 2 old pods still serve",
      ),
    });
    expect(found["proxy"]).toMatchObject({
      outcome: "timed-out",
      code: "no-progress",
      nextStep: expect.stringMatching(`^kubectl describe pod proxy-\\S+ -n ${sandbox.name}`),
      cause: {
        pod: expect.stringMatching("^proxy-"),
        container: "istio-proxy",
        node: cluster.kind === "real" ? expect.any(String) : null,
        event: { reason: "Unhealthy", message: EVENTS["proxy"]?.[1] },
        budget: null,
        oldPodsReady: 1,
      },
    });
    expect(found["disk"]?.cause).toMatchObject({
      container: null,
      event: { reason: "FailedAttachVolume" },
    });
    expect(found["agent"]?.cause).toMatchObject({
      pod: held.metadata.name,
      node: held.spec.nodeName,
    });
    expect(found["canary"]?.cause).toMatchObject({ budget: "strict", oldPodsReady: 2 });
    expect(found["canary"]?.nextStep).toMatch("kubectl describe poddisruptionbudget strict");
    expect(status).toBe(4);
    expect(nextStep).toContain("istio-upgrade restart");

    const at = ["verify", "-n", sandbox.name] as const;
    const verified = parseReport("VerifyReport", (await run(cluster, ...at, "--json")).stdout);
    const unready = verified.workloads.find(({ name }) => name === "proxy")?.unready;
    expect(unready).toEqual({
      pod: expect.stringMatching("^proxy-"),
      container: "istio-proxy",
      node: cluster.kind === "real" ? expect.any(String) : null,
      event: { reason: "Unhealthy", message: EVENTS["proxy"]?.[1] },
      message: expect.stringMatching(
        `^the container istio-proxy of the pod proxy-\\S+${on} is not ready: ${EVENTS["proxy"]?.[1]}$`,
      ),
    });
    const text = (await run(cluster, ...at)).stdout.replace(/\s+/g, " ");
    const markdown = (await run(cluster, ...at, "--output=markdown")).stdout;
    for (const shown of [text, markdown]) {
      expect(shown).toContain("the container istio-proxy of the pod proxy-");
      expect(shown).toContain("FailedAttachVolume: Multi-Attach error");
      expect(shown).toContain(`the pod ${held.metadata.name}`);
    }
    await setFinalizers(cluster, sandbox, held.metadata.name, []);
  });

  test("says who took the restart back, and does not lead to the same restart", async ({
    cluster,
    enter,
  }) => {
    await cluster.installRevision({ name: REVISION, image: OLD });
    await cluster.moveImage(REVISION, OLD);
    const sandbox = await enter({ "istio.io/rev": REVISION });
    const annotations = { [POD_BEHAVIOUR.readyAfter]: "4s" };
    const manifests = ["healed", "changed"].map((name) =>
      deployment(name, { replicas: 2, annotations }),
    );
    for (const body of manifests) {
      const path = `${sandbox.path("deployments")}?fieldManager=argocd-controller`;
      expect((await cluster.request("POST", path, { body })).status).toBe(201);
    }
    await untilReady(sandbox, 4);
    await cluster.moveImage(REVISION, NEW);
    await untilInjected(cluster, sandbox, NEW);
    const args = ["restart", "-n", sandbox.name, "--yes", "--json", "--max-failures=9"];
    const running = startProgram(args, { KUBECONFIG: cluster.kubeconfig });
    const contentType = "application/strategic-merge-patch+json";
    for (const [name, change] of [
      ["healed", {}],
      ["changed", { "example.com/build": "2" }],
    ] as const) {
      await eventually(async () => {
        const { spec } = await sandbox.get("deployments", name);
        expect(spec.template.metadata.annotations?.[RESTARTED_AT]).toBeDefined();
      });
      const metadata = { annotations: { [RESTARTED_AT]: null, ...change } };
      const sent = { body: { spec: { template: { metadata } } }, contentType };
      const path = `${sandbox.path("deployments", name)}?fieldManager=argocd-controller`;
      expect((await cluster.request("PATCH", path, sent)).status).toBe(200);
    }
    const ran = await running.done;
    const { results, nextStep, workloads } = parseReport("RestartReport", ran.stdout);
    const [changed, healed] = ["changed", "healed"].map((name) =>
      results.find((result) => result.name === name),
    );
    const during = "changed the pod template during the rollout";
    expect(changed).toMatchObject({ outcome: "restarted", code: "superseded" });
    expect(healed).toMatchObject({ code: "superseded" });
    if (cluster.kind === "real") {
      // The embedded API server keeps no field managers. A removed field has none.
      expect(changed?.message).toBe(`rolled out on target, although argocd-controller ${during}`);
      expect(healed?.message).toContain(`somebody else ${during}, which argocd-controller manages`);
    }
    if (healed?.outcome === "failed") {
      if (cluster.kind === "real") {
        expect(healed.nextStep).toMatch(/^if argocd-controller reverts each restart, /);
      }
      expect(workloads.find(({ name }) => name === "healed")?.verdict).toBe("outdated");
      expect(nextStep).toBe("");
    }
  });
});
