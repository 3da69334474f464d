import { describe, expect, test } from "vitest";
import {
  type Assessment,
  assess,
  type ServerAnswers,
  type AssessmentOptions,
} from "../../../src/mesh/assessment.ts";
import { VERDICTS } from "../../../src/mesh/verdict.ts";
import { type Mesh, resolveMesh } from "../../../src/mesh/mesh.ts";
import type { DryRun } from "../../../src/snapshot.ts";
import { NO_CONSENT } from "../../../src/mesh/consent.ts";
import type { Labels, Namespace, Workload } from "../../../src/snapshot.ts";
import {
  controlPlane,
  type ControlPlaneOptions,
  type RevisionOptions,
} from "../../support/build/control-plane.ts";
import { namespace } from "../../support/build/namespace.ts";
import { bare, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import {
  AKS_GATEWAY,
  argoRollout,
  daemonSet,
  deployment,
  otherWorkload,
  statefulSet,
} from "../../support/build/workload.ts";
import { withPrintedSteps } from "../../support/build/next-step.ts";

const TARGET = proxyImage("v1.27.9-6");
const OUTDATED = proxyImage("v1.27.7-1");
const OLD: RevisionOptions = { name: "asm-1-27", values: { image: TARGET } };
const NEW: RevisionOptions = { name: "asm-1-28", values: { image: proxyImage("v1.28.3-2") } };
const SHOP = namespace("shop", { rev: "asm-1-27" });
const OPTIONS: AssessmentOptions = { ...NO_CONSENT, excludes: () => undefined };
const NO_REPLICAS = { replicas: 0, updated: 0, available: 0 };
/** The injected namespace with one more label. */
function withLabel(key: string, value: string): Namespace {
  return { ...SHOP, labels: { ...SHOP.labels, [key]: value } };
}

const AMBIENT = "istio.io/dataplane-mode";
const WINDOWS = { windows: true };
const AUTO = { proxy: { image: "auto" } };
const NO_PODS_YET = { desired: 1, updated: 0, available: 0 };
const PIN = { annotations: { "sidecar.istio.io/proxyImage": "x/proxyv2:v9" } };

function mesh(options: Partial<ControlPlaneOptions> = {}): Mesh {
  return resolveMesh(controlPlane({ revisions: [OLD, NEW], ...options }));
}

interface World {
  readonly ns?: Namespace | undefined;
  readonly mesh?: Mesh;
  readonly options?: Partial<AssessmentOptions>;
}

function assessIn(workload: Workload, world: World = {}): Assessment | undefined {
  const ns = "ns" in world ? world.ns : SHOP;
  return assess(workload, ns, world.mesh ?? mesh(), { ...OPTIONS, ...world.options });
}

/** The verdict and the code of the finding; `outside` for a workload outside the mesh. */
function verdictOf(workload: Workload, world: World = {}): string {
  const assessment = assessIn(workload, world);
  return assessment ? `${assessment.verdict} ${assessment.finding.code}` : "outside";
}

describe("the verdict", () => {
  const web = (...pods: Workload["pods"]) => deployment("web", { pods });

  test.each<[what: string, workload: Workload, world: World, verdict: string]>([
    ["every pod on target", web(sidecars(3, TARGET)), {}, "current on-target"],
    [
      "every pod on target, none of them ready",
      web(sidecars(3, TARGET, { ready: 0 })),
      {},
      "current on-target",
    ],
    [
      "a native sidecar on target",
      web(sidecars(3, TARGET, { native: true })),
      {},
      "current on-target",
    ],
    ["an older patch", web(sidecars(3, OUTDATED)), {}, "outdated image-differs"],
    [
      "one outdated pod among many",
      web(sidecars(9, TARGET), sidecars(1, OUTDATED)),
      {},
      "outdated image-differs",
    ],
    ["a newer image", web(sidecars(3, proxyImage("v1.28.3-2"))), {}, "outdated image-differs"],
    [
      "an image whose version cannot be read",
      web(sidecars(3, proxyImage("latest"))),
      {},
      "outdated image-differs",
    ],
    [
      "the same image from another revision",
      web(sidecars(3, TARGET, { revision: "asm-1-26" })),
      {},
      "outdated revision-differs",
    ],
    [
      "a pod that does not name its revision",
      web(sidecars(3, TARGET, { revision: undefined })),
      {},
      "current on-target",
    ],
    [
      "both another image and another revision",
      web(sidecars(1, OUTDATED), sidecars(1, TARGET, { revision: "asm-1-26" })),
      {},
      "outdated image-differs",
    ],
    ["no sidecar, and injection would add one", web(bare(3)), {}, "missing no-sidecar"],
    [
      "some pods without a sidecar, the rest on target",
      web(sidecars(2, TARGET), bare(1)),
      {},
      "missing no-sidecar",
    ],
    [
      "some pods without a sidecar, the rest outdated",
      web(sidecars(2, OUTDATED), bare(1)),
      {},
      "outdated image-differs",
    ],
    [
      "no sidecar, and injection would add none",
      web(bare(3)),
      { ns: namespace("shop") },
      "outside",
    ],
    [
      "a sidecar, and injection would add none",
      web(sidecars(3, OUTDATED)),
      { ns: namespace("shop") },
      "would-lose no-label",
    ],
    [
      "a sidecar on target, and injection would add none",
      web(sidecars(3, TARGET)),
      { ns: namespace("shop") },
      "would-lose no-label",
    ],
    [
      "a label that names a removed revision",
      web(sidecars(3, TARGET)),
      { ns: namespace("shop", { rev: "asm-1-26" }) },
      "would-lose revision-gone",
    ],
    [
      "both labels",
      web(sidecars(3, TARGET)),
      { ns: namespace("shop", { rev: "asm-1-27", injection: "enabled" }) },
      "would-lose both-labels",
    ],
    [
      "some pods with a sidecar, and injection would add none",
      web(sidecars(1, TARGET), bare(2)),
      { ns: namespace("shop") },
      "would-lose no-label",
    ],
    [
      "an unavailable webhook with failurePolicy Ignore",
      web(sidecars(3, TARGET)),
      { mesh: mesh({ revisions: [{ ...OLD, state: "dead", failurePolicy: "Ignore" }] }) },
      "would-lose webhook-dead-ignored",
    ],
    [
      "an unavailable webhook with failurePolicy Fail",
      web(sidecars(3, TARGET)),
      { mesh: mesh({ revisions: [{ ...OLD, state: "dead" }] }) },
      "blocked webhook-dead",
    ],
    [
      "an unavailable webhook with failurePolicy Fail, and no sidecar",
      web(bare(3)),
      { mesh: mesh({ revisions: [{ ...OLD, state: "dead" }] }) },
      "blocked webhook-dead",
    ],
    [
      "unread webhooks",
      web(sidecars(3, TARGET)),
      { mesh: mesh({ unread: ["webhooks"] }) },
      "unknown webhooks-unread",
    ],
    [
      "unread webhooks, and no sidecar",
      web(bare(3)),
      { mesh: mesh({ unread: ["webhooks"] }) },
      "unknown webhooks-unread",
    ],
    [
      "an unread namespace",
      web(sidecars(3, TARGET)),
      { ns: undefined },
      "unknown namespace-unread",
    ],
    [
      "an unread template",
      deployment("web", { pods: [sidecars(3, TARGET)], template: null }),
      {},
      "unknown owner-unread",
    ],
    [
      "an unread custom owner",
      otherWorkload("CloneSet", "web", { pods: [sidecars(3, TARGET)], template: null }),
      {},
      "unknown owner-unread",
    ],
    [
      "no pods although a Deployment wants some",
      deployment("web", { rollout: { replicas: 2 } }),
      {},
      "unknown no-pods",
    ],
    [
      "no pods although a DaemonSet wants some",
      daemonSet("agent", { rollout: { status: { desired: 2, updated: 0, available: 0 } } }),
      {},
      "unknown no-pods",
    ],
    [
      "no live pod, and an owner that creates no more",
      otherWorkload("Job", "import", { terminatingPods: [sidecars(1, OUTDATED)] }),
      {},
      "outside",
    ],
    [
      "a bare pod that terminates",
      otherWorkload("Pod", "web", { terminatingPods: [sidecars(1, OUTDATED)] }),
      {},
      "outside",
    ],
    [
      "no live pod, and an unread owner",
      otherWorkload("CloneSet", "web", {
        template: null,
        terminatingPods: [sidecars(1, OUTDATED)],
      }),
      {},
      "outside",
    ],
    ["scaled to zero", deployment("web"), {}, "current scaled-to-zero"],
    [
      "scaled to zero, with outdated pods that still run",
      statefulSet("db", {
        pods: [sidecars(2, OUTDATED), bare(1)],
        rollout: { replicas: 0, status: { ready: 3, updated: 0 } },
      }),
      {},
      "outdated image-differs",
    ],
    [
      "a DaemonSet that wants no pods, with outdated pods that still run",
      daemonSet("agent", {
        pods: [sidecars(2, OUTDATED)],
        rollout: { status: { desired: 0, updated: 0, available: 2 } },
      }),
      {},
      "outdated image-differs",
    ],
    [
      "an Argo Rollout that wants no pods, with outdated pods that still run",
      argoRollout("web", { pods: [sidecars(2, OUTDATED)], rollout: { replicas: 0 } }),
      {},
      "outdated image-differs",
    ],
    [
      "scaled to zero, with pods on target that still run",
      deployment("web", { pods: [sidecars(1, TARGET)], rollout: { replicas: 0 } }),
      {},
      "current on-target",
    ],
    [
      "Windows, in a namespace that is injected",
      deployment("iis", { pods: [bare(1)], template: WINDOWS }),
      {},
      "blocked windows",
    ],
    [
      "Windows, without pods",
      daemonSet("iis", { rollout: { status: NO_PODS_YET }, template: WINDOWS }),
      {},
      "blocked windows",
    ],
    [
      "Windows, with injected pods",
      statefulSet("iis", { pods: [sidecars(1, OUTDATED)], template: WINDOWS }),
      {},
      "blocked windows",
    ],
    [
      "Windows, in a namespace without labels",
      deployment("iis", { pods: [bare(1)], template: WINDOWS }),
      { ns: namespace("shop") },
      "outside",
    ],
    [
      "Windows, opted out",
      deployment("iis", {
        pods: [bare(1)],
        template: { ...WINDOWS, labels: { "sidecar.istio.io/inject": "false" } },
      }),
      {},
      "outside",
    ],
    [
      "no sidecar in an ambient namespace that is also injected",
      web(bare(2)),
      { ns: withLabel(AMBIENT, "ambient") },
      "current ambient",
    ],
    [
      "no sidecar, by an ambient pod label",
      deployment("web", { pods: [bare(2)], template: { labels: { [AMBIENT]: "ambient" } } }),
      {},
      "current ambient",
    ],
    [
      "no sidecar in an ambient namespace, and a pod label that opts out of ambient mode",
      deployment("web", { pods: [bare(2)], template: { labels: { [AMBIENT]: "none" } } }),
      { ns: withLabel(AMBIENT, "ambient") },
      "missing no-sidecar",
    ],
    [
      "an outdated sidecar in an ambient namespace",
      web(sidecars(2, OUTDATED)),
      { ns: withLabel(AMBIENT, "ambient") },
      "outdated image-differs",
    ],
    [
      "a label of ambient mode with another value",
      web(bare(2)),
      { ns: withLabel(AMBIENT, "none") },
      "missing no-sidecar",
    ],
    [
      "the image auto, and nothing injects it while an old pod runs",
      deployment("gw", { pods: [sidecars(1, OUTDATED)], template: AUTO }),
      { ns: namespace("shop") },
      "would-lose no-label",
    ],
    [
      "the image auto, and nothing injects it while one of several pods is old",
      deployment("gw", { pods: [sidecars(1, OUTDATED), bare(1)], template: AUTO }),
      { ns: namespace("shop") },
      "would-lose no-label",
    ],
    [
      "the image auto, and nothing injected its pods",
      deployment("gw", { pods: [bare(1)], template: AUTO }),
      { ns: namespace("shop", { injection: "disabled" }) },
      "blocked image-auto",
    ],
    [
      "the image auto, and nothing injects it because its revision is gone",
      statefulSet("gw", { pods: [bare(1)], template: AUTO }),
      { ns: namespace("shop", { rev: "asm-1-1" }) },
      "blocked image-auto",
    ],
    [
      "the image auto, and nothing injects it, without pods",
      daemonSet("gw", { rollout: { status: NO_PODS_YET }, template: AUTO }),
      { ns: namespace("shop") },
      "blocked image-auto",
    ],
    [
      "the image auto, and nothing injects it, scaled to zero",
      deployment("gw", { template: AUTO }),
      { ns: namespace("shop") },
      "blocked image-auto",
    ],
    [
      "the image auto of a bare pod that nothing injected",
      otherWorkload("Pod", "gw", { pods: [bare(1)], template: AUTO }),
      { ns: namespace("shop") },
      "blocked image-auto",
    ],
    [
      "the image auto, injected since, and its pods are not",
      deployment("gw", { pods: [bare(1)], template: AUTO }),
      {},
      "missing no-sidecar",
    ],
    [
      "another image of the template's own istio-proxy, which nothing injects",
      deployment("gw", { pods: [bare(1)], template: { proxy: { image: "custom:1" } } }),
      { ns: namespace("shop") },
      "outside",
    ],
    [
      "scaled to zero, with pods that still run, and injection would add no sidecar",
      deployment("web", {
        pods: [sidecars(2, OUTDATED)],
        rollout: { replicas: 0 },
      }),
      { ns: namespace("shop") },
      "would-lose no-label",
    ],
    [
      "scaled to zero, and injection would add no sidecar",
      deployment("web"),
      { ns: namespace("shop") },
      "outside",
    ],
    [
      "a pin by annotation, and the pinned image runs",
      deployment("web", { pods: [sidecars(3, "x/proxyv2:v9")], template: PIN }),
      {},
      "pinned pinned-by-annotation",
    ],
    [
      "a pin by container, and the pinned image runs",
      deployment("web", { pods: [sidecars(3, "own:1")], template: { proxy: { image: "own:1" } } }),
      {},
      "pinned pinned-by-container",
    ],
    [
      "a pin, and another image runs",
      deployment("web", { pods: [sidecars(3, OUTDATED)], template: PIN }),
      {},
      "outdated image-differs",
    ],
    [
      "a pin, and the revision's image runs",
      deployment("web", { pods: [sidecars(3, TARGET)], template: PIN }),
      {},
      "outdated image-differs",
    ],
    [
      "a pin, and the pinned image of another revision runs",
      deployment("web", {
        pods: [sidecars(3, "x/proxyv2:v9", { revision: "asm-1-26" })],
        template: PIN,
      }),
      {},
      "outdated revision-differs",
    ],
    [
      "a pin to the revision's own image",
      deployment("web", {
        pods: [sidecars(3, TARGET)],
        template: { annotations: { "sidecar.istio.io/proxyImage": TARGET } },
      }),
      {},
      "current on-target",
    ],
    [
      "an outdated bare pod",
      otherWorkload("Pod", "web", { pods: [sidecars(1, OUTDATED)] }),
      {},
      "outdated image-differs",
    ],
    [
      "a gateway of AKS",
      deployment("gw", { ...AKS_GATEWAY, pods: [sidecars(2, OUTDATED)] }),
      {},
      "managed aks-gateway",
    ],
    [
      "a gateway that istiod renders, in a namespace without labels",
      deployment("gw", {
        template: { labels: { "gateway.istio.io/managed": "x" }, proxy: { image: OUTDATED } },
        pods: [sidecars(2, OUTDATED, { revision: undefined })],
      }),
      { ns: namespace("shop") },
      "managed gateway-api",
    ],
    [
      "an exclusion by a flag",
      web(sidecars(3, OUTDATED)),
      { options: { excludes: () => "--exclude deploy/web" } },
      "excluded excluded",
    ],
    [
      "an exclusion by the workload's annotation",
      deployment("web", {
        pods: [sidecars(3, OUTDATED)],
        annotations: { "istio-upgrade/exclude": "true" },
      }),
      {},
      "excluded excluded",
    ],
    [
      "the annotation with another value, which excludes nothing",
      deployment("web", {
        pods: [sidecars(3, OUTDATED)],
        annotations: { "istio-upgrade/exclude": "false" },
      }),
      {},
      "outdated image-differs",
    ],
    [
      "an exclusion by the namespace's annotation",
      web(sidecars(3, OUTDATED)),
      {
        ns: namespace("shop", {
          rev: "asm-1-27",
          annotations: { "istio-upgrade/exclude": "true" },
        }),
      },
      "excluded excluded",
    ],
  ])("%s", (_what, workload, world, verdict) => {
    expect(verdictOf(workload, world)).toBe(verdict);
  });
});

describe("the verdict without pods", () => {
  const web = deployment("web", { rollout: { replicas: 2, status: NO_REPLICAS } });
  const decide = (answers: ServerAnswers) => {
    const { verdict, finding } = assess(web, SHOP, mesh(), OPTIONS, answers) ?? {};
    return [verdict, finding?.code, finding?.reason];
  };

  test.each<[what: string, answers: ServerAnswers, expected: readonly string[]]>([
    ["and without an explanation", {}, ["unknown", "no-pods", "wants 2 pods and has none"]],
    [
      "after the API server rejected a pod of the controller",
      { refusal: "exceeded quota: q" },
      ["blocked", "pod-refused", "its pods are rejected: exceeded quota: q"],
    ],
    [
      "after PodSecurity rejected a pod of the controller",
      { refusal: 'violates PodSecurity "baseline:latest"' },
      ["blocked", "pod-security", 'its pods are rejected: violates PodSecurity "baseline:latest"'],
    ],
    [
      "after a rejected dry run",
      { dryRun: { kind: "refused", message: "no" } },
      ["blocked", "pod-refused", "the API server rejected a dry run: no"],
    ],
    [
      "after a successful dry run",
      { dryRun: { kind: "pod", image: TARGET, revision: "asm-1-27" } },
      ["unknown", "no-pods", "wants 2 pods and has none"],
    ],
  ])("%s", (_what, answers, expected) => {
    expect(decide(answers)).toEqual(expected);
  });
});

describe("the verdict with the highest precedence wins", () => {
  /** A world in which every verdict applies. Each row removes the causes of the previous verdicts. */
  const everything: World = {
    ns: undefined,
    options: { excludes: () => "--exclude" },
    mesh: mesh({ revisions: [{ ...OLD, state: "dead" }] }),
  };
  const managed = deployment("gw", {
    ...AKS_GATEWAY,
    pods: [sidecars(2, OUTDATED), bare(1)],
    template: { ...AKS_GATEWAY.template, ...PIN },
  });
  const mixed = deployment("web", { pods: [sidecars(2, OUTDATED), bare(1)], template: PIN });
  const bareAndPinned = deployment("web", {
    pods: [sidecars(2, "x/proxyv2:v9"), bare(1)],
    template: PIN,
  });
  const unavailable = mesh({ revisions: [{ ...OLD, state: "dead" }] });

  test.each<[verdict: string, workload: Workload, world: World]>([
    ["managed", managed, everything],
    ["excluded", mixed, everything],
    ["unknown", mixed, { ...everything, options: {} }],
    ["would-lose", mixed, { mesh: unavailable, ns: namespace("shop") }],
    ["blocked", mixed, { mesh: unavailable }],
    ["outdated", mixed, {}],
    ["missing", bareAndPinned, {}],
    ["pinned", deployment("web", { pods: [sidecars(2, "x/proxyv2:v9")], template: PIN }), {}],
    ["current", deployment("web", { pods: [sidecars(2, TARGET)] }), {}],
  ])("%s", (verdict, workload, world) => {
    expect(assessIn(workload, world)?.verdict).toBe(verdict);
  });

  test("VERDICTS lists them in this order", () => {
    expect(VERDICTS).toEqual([
      "managed",
      "excluded",
      "unknown",
      "would-lose",
      "blocked",
      "outdated",
      "missing",
      "pinned",
      "current",
    ]);
  });
});

describe("a warning reports what the verdict hides", () => {
  const excluded: World = { options: { excludes: () => "--exclude" } };
  const unavailable = mesh({ revisions: [{ ...OLD, state: "dead" }] });
  const outdated = deployment("web", { pods: [sidecars(3, OUTDATED)] });

  test.each<[what: string, workload: Workload, world: World, warnings: readonly string[]]>([
    ["excluded, outdated", outdated, excluded, ["otherwise-outdated"]],
    [
      "excluded, without a sidecar",
      deployment("web", { pods: [bare(1)] }),
      excluded,
      ["otherwise-missing"],
    ],
    [
      "excluded, about to lose its sidecar",
      outdated,
      { ...excluded, ns: namespace("shop") },
      ["otherwise-would-lose"],
    ],
    ["excluded, blocked", outdated, { ...excluded, mesh: unavailable }, ["otherwise-blocked"]],
    ["excluded, unknown", outdated, { ...excluded, ns: undefined }, ["otherwise-unknown"]],
    ["excluded, on target", deployment("web", { pods: [sidecars(3, TARGET)] }), excluded, []],
    ["managed", deployment("gw", { ...AKS_GATEWAY, pods: [sidecars(2, OUTDATED)] }), {}, []],
    [
      "outdated, and pinned",
      deployment("web", { pods: [sidecars(3, OUTDATED)], template: PIN }),
      {},
      ["pinned"],
    ],
    [
      "outdated, pinned, and some pods without a sidecar",
      deployment("web", { pods: [sidecars(3, OUTDATED), bare(1)], template: PIN }),
      {},
      ["pinned", "some-without-sidecar"],
    ],
    [
      "without a sidecar, and pinned",
      deployment("web", { pods: [bare(3)], template: PIN }),
      {},
      ["pinned"],
    ],
    [
      "outdated, and pinned to the revision's own image",
      deployment("web", {
        pods: [sidecars(3, OUTDATED)],
        template: { annotations: { "sidecar.istio.io/proxyImage": TARGET } },
      }),
      {},
      [],
    ],
    [
      "about to lose a sidecar that only some pods have",
      deployment("web", { pods: [sidecars(1, OUTDATED), bare(1)] }),
      { ns: namespace("shop") },
      ["some-without-sidecar"],
    ],
  ])("%s", (_what, workload, world, warnings) => {
    expect(assessIn(workload, world)?.warnings.map(({ code }) => code)).toEqual(warnings);
  });

  test("the warning contains the reason", () => {
    expect(assessIn(outdated, { ...excluded, ns: namespace("shop") })?.warnings).toEqual([
      {
        code: "otherwise-would-lose",
        message:
          "excluded, although would-lose: neither namespace shop nor the pod template has a label that asks for injection",
      },
    ]);
    const pinned = deployment("web", { pods: [sidecars(3, OUTDATED)], template: PIN });
    expect(assessIn(pinned)?.warnings[0]?.message).toBe(
      `the pod template's annotation sidecar.istio.io/proxyImage pins x/proxyv2:v9; asm-1-27 gives ${TARGET}`,
    );
  });
});

describe("the restart", () => {
  const outdated = [sidecars(3, OUTDATED)];

  test.each<[what: string, workload: Workload, world: World, answer: string]>([
    ["outdated", deployment("web", { pods: outdated }), {}, "yes"],
    [
      "outdated, paused",
      deployment("web", { pods: outdated, rollout: { paused: true } }),
      {},
      "refused",
    ],
    [
      "outdated, a bare pod",
      otherWorkload("Pod", "web", { pods: [sidecars(1, OUTDATED)] }),
      {},
      "by-hand",
    ],
    [
      "outdated, only pods below the partition",
      statefulSet("db", {
        pods: [
          sidecars(1, OUTDATED, { podNames: ["db-0"] }),
          sidecars(2, TARGET, { podNames: ["db-1", "db-2"] }),
        ],
        rollout: { partition: 1 },
      }),
      {},
      "refused",
    ],
    [
      "missing, only pods below the partition",
      statefulSet("db", {
        pods: [
          bare(1, { podNames: ["db-0"] }),
          sidecars(2, TARGET, { podNames: ["db-1", "db-2"] }),
        ],
        rollout: { partition: 1 },
      }),
      {},
      "refused",
    ],
    [
      "current, with --include current, and a partition that keeps some pods",
      statefulSet("db", {
        pods: [sidecars(3, TARGET, { podNames: ["db-0", "db-1", "db-2"] })],
        rollout: { partition: 1 },
      }),
      { options: { current: true } },
      "yes",
    ],
    ["missing", deployment("web", { pods: [bare(3)] }), {}, "yes"],
    ["current", deployment("web", { pods: [sidecars(3, TARGET)] }), {}, "no"],
    [
      "current, with --include current",
      deployment("web", { pods: [sidecars(3, TARGET)] }),
      { options: { current: true } },
      "yes",
    ],
    [
      "scaled to zero, with --include current",
      deployment("web"),
      { options: { current: true } },
      "no",
    ],
    [
      "pinned, with --include current",
      deployment("web", { pods: [sidecars(3, "x/proxyv2:v9")], template: PIN }),
      { options: { current: true } },
      "no",
    ],
    [
      "would-lose, with every consent",
      deployment("web", { pods: outdated }),
      { ns: namespace("shop"), options: { current: true, downtime: true, unhealthy: true } },
      "no",
    ],
    [
      "blocked, with every consent",
      deployment("web", { pods: outdated }),
      {
        mesh: mesh({ revisions: [{ ...OLD, state: "dead" }] }),
        options: { current: true, downtime: true, unhealthy: true },
      },
      "no",
    ],
    [
      "excluded",
      deployment("web", { pods: outdated }),
      { options: { excludes: () => "it" } },
      "no",
    ],
    [
      "a StatefulSet with one replica, with consent to downtime",
      statefulSet("db", { pods: [sidecars(1, OUTDATED)] }),
      { options: { downtime: true } },
      "yes",
    ],
  ])("%s", (_what, workload, world, answer) => {
    expect(assessIn(workload, world)?.restart.answer).toBe(answer);
  });
});

describe("a restart that changes the revision, given the shared ConfigMap", () => {
  const SHARED_27 = { "istio-shared-configmap-asm-1-27": {} };
  const SHARED_28 = { "istio-shared-configmap-asm-1-28": {} };
  const moved = namespace("shop", { rev: "asm-1-28" });
  const web = deployment("web", { pods: [sidecars(3, OUTDATED)] });

  test.each<
    [
      what: string,
      configMaps: Readonly<Record<string, Labels>>,
      workload: Workload,
      ns: Namespace,
      answer: string,
    ]
  >([
    ["of the old revision", SHARED_27, web, moved, "refused"],
    ["of both revisions", { ...SHARED_27, ...SHARED_28 }, web, moved, "yes"],
    ["of the new revision", SHARED_28, web, moved, "yes"],
    ["of neither revision", {}, web, moved, "yes"],
    ["of the old revision, but the revision stays", SHARED_27, web, SHOP, "yes"],
    [
      "of the old revision, on the way back to it",
      SHARED_27,
      deployment("web", { pods: [sidecars(1, OUTDATED, { revision: "asm-1-28" })] }),
      SHOP,
      "yes",
    ],
    ["of a third revision", { "istio-shared-configmap-asm-1-26": {} }, web, moved, "yes"],
    [
      "of the old revision, and only one pod is of this revision",
      SHARED_27,
      deployment("web", {
        pods: [
          sidecars(1, OUTDATED),
          sidecars(2, proxyImage("v1.28.3-2"), { revision: "asm-1-28" }),
        ],
      }),
      moved,
      "refused",
    ],
    [
      "of the old revision, and the Deployment is paused",
      SHARED_27,
      deployment("web", { pods: [sidecars(3, OUTDATED)], rollout: { paused: true } }),
      moved,
      "refused",
    ],
    [
      "of the old revision, but the workload is a bare pod",
      SHARED_27,
      otherWorkload("Pod", "web", { pods: [sidecars(1, OUTDATED)] }),
      moved,
      "by-hand",
    ],
  ])("%s", (_what, configMaps, workload, ns, answer) => {
    const world = { mesh: mesh({ configMaps: configMaps }), ns };
    const assessment = assessIn(workload, world);
    expect([assessment?.verdict, assessment?.restart.answer]).toEqual(["outdated", answer]);
  });

  test("the next step copies the ConfigMap", () => {
    const assessment = assessIn(web, { mesh: mesh({ configMaps: SHARED_27 }), ns: moved });
    expect(withPrintedSteps(assessment?.restart)).toMatchObject({
      finding: {
        code: "shared-configmap-missing",
        nextStep:
          "kubectl get configmap istio-shared-configmap-asm-1-27 -n aks-istio-system -o yaml | sed s/asm-1-27/asm-1-28/ | kubectl create -f -",
      },
    });
  });
});

describe("a restart while ConfigMaps are unread", () => {
  const proof: DryRun = { kind: "pod", image: proxyImage("v1.28.3-2"), revision: "asm-1-28" };
  const unread = mesh({ unread: ["configMaps"] });
  const moved = namespace("shop", { rev: "asm-1-28" });

  test.each([
    ["is refused if it changes the revision", "asm-1-27", "refused"],
    ["is allowed if the revision stays", "asm-1-28", "yes"],
  ])("%s", (_what, revision, answer) => {
    const web = deployment("web", { pods: [sidecars(3, OUTDATED, { revision })] });
    const assessment = assess(web, moved, unread, OPTIONS, { dryRun: proof });
    expect([assessment?.verdict, assessment?.restart.answer]).toEqual(["outdated", answer]);
  });
});

test("a dry run does not decide while the namespace is unread, which may exclude the workload", () => {
  const proof: DryRun = { kind: "pod", image: TARGET, revision: "asm-1-27" };
  const web = deployment("web", { pods: [sidecars(3, OUTDATED)] });
  expect(assess(web, undefined, mesh(), OPTIONS, { dryRun: proof })).toMatchObject({
    verdict: "unknown",
    proved: false,
  });
});

describe("an assessment", () => {
  test("has a change for each group of pods, and the largest one for the workload", () => {
    const pods = [
      sidecars(2, TARGET),
      sidecars(1, TARGET, { revision: "asm-1-26" }),
      sidecars(1, OUTDATED),
      bare(1),
    ];
    const assessment = assessIn(deployment("web", { pods }));
    expect(assessment?.running.map(({ change }) => change)).toEqual([
      "none",
      "revision",
      "patch",
      "none",
    ]);
    expect(assessment?.change).toBe("patch");
    expect(assessment?.warnings.map(({ code }) => code)).toEqual(["some-without-sidecar"]);
  });

  test.each([
    [1, "1 pod would get"],
    [4, "4 pods would get"],
  ])("counts %i outdated pods", (count, start) => {
    const assessment = assessIn(
      deployment("web", { pods: [sidecars(count, OUTDATED), sidecars(5, TARGET)] }),
    );
    expect(assessment?.finding.reason).toBe(
      `${start} ${TARGET} from configmap/istio-sidecar-injector-asm-1-27`,
    );
  });

  test.each([
    [bare(1), "1 pod has no sidecar, and asm-1-27 would inject one"],
    [bare(3), "3 pods have no sidecar, and asm-1-27 would inject one"],
  ])("counts pods without a sidecar", (group, reason) => {
    expect(assessIn(deployment("web", { pods: [group] }))?.finding.reason).toBe(reason);
  });

  test("names the pin, the pinned image and the revision's image", () => {
    const assessment = assessIn(
      deployment("web", { pods: [sidecars(1, "x/proxyv2:v9")], template: PIN }),
    );
    expect(assessment?.finding).toEqual({
      code: "pinned-by-annotation",
      reason: `the pod template's annotation sidecar.istio.io/proxyImage pins x/proxyv2:v9; asm-1-27 gives ${TARGET}`,
      nextStep:
        "remove the pod template's annotation sidecar.istio.io/proxyImage to follow the revision",
    });
    expect(assessment?.target).toEqual({ revision: "asm-1-27", image: "x/proxyv2:v9" });
  });

  test.each<[what: string, world: World]>([
    ["injection would add no sidecar", { ns: namespace("shop") }],
    ["new pods are rejected", { mesh: mesh({ revisions: [{ ...OLD, state: "dead" }] }) }],
    ["the outcome is unknown", { ns: undefined }],
  ])("has no target and no change if %s", (_what, world) => {
    const assessment = assessIn(deployment("web", { pods: [sidecars(1, OUTDATED)] }), world);
    expect(assessment).toBeDefined();
    expect([assessment?.target, assessment?.change]).toEqual([undefined, "none"]);
  });

  test("names the flag that excludes the workload", () => {
    const assessment = assessIn(deployment("web", { pods: [sidecars(1, OUTDATED)] }), {
      options: { excludes: ({ name }) => `--exclude deploy/${name}` },
    });
    expect(assessment?.finding.reason).toBe("excluded by --exclude deploy/web");
  });
});

test("a dry run does not prove a sidecar on Windows, which cannot run", () => {
  const iis = deployment("iis", { pods: [bare(1)], template: WINDOWS });
  const verdictFor = (dryRun: DryRun) =>
    assess(iis, SHOP, mesh(), OPTIONS, { dryRun })?.finding.code;
  expect(verdictFor({ kind: "pod", image: TARGET, revision: "asm-1-27" })).toBe("windows");
  expect(verdictFor({ kind: "refused", message: "denied" })).toBe("windows");
  expect(verdictFor({ kind: "pod", image: undefined, revision: undefined })).toBeUndefined();
});

test("pods in ambient mode have a warning, and no consent restarts them", () => {
  const ambient = withLabel(AMBIENT, "ambient");
  const options = { ...OPTIONS, missing: true, current: true };
  expect(assess(deployment("web", { pods: [bare(2)] }), ambient, mesh(), options)).toMatchObject({
    verdict: "current",
    restart: { answer: "no" },
    warnings: [{ code: "ambient" }],
  });
});

test.each<[replicas: number, verdict: string, code: string]>([
  [2, "outdated", "config-not-loaded"],
  [0, "current", "scaled-to-zero"],
])(
  "a ConfigMap that istiod has not loaded concerns the pods that lag behind it: %s",
  (replicas, verdict, code) => {
    const pods = replicas > 0 ? [sidecars(replicas, OUTDATED)] : [];
    const web = deployment("web", { pods, rollout: { replicas } });
    const dryRun: DryRun = { kind: "pod", image: OUTDATED, revision: "asm-1-27" };
    expect(assess(web, SHOP, mesh(), OPTIONS, { dryRun })).toMatchObject({
      verdict,
      finding: { code },
    });
  },
);
