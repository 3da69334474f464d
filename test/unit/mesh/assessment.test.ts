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
import { NO_CONSENT } from "../../../src/mesh/restartability.ts";
import type { Labels, Namespace, Workload } from "../../../src/snapshot.ts";
import {
  controlPlane,
  type ControlPlaneOptions,
  type RevisionOptions,
} from "../../support/build/control-plane.ts";
import { namespace } from "../../support/build/namespace.ts";
import { bare, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { daemonSet, deployment, otherWorkload, statefulSet } from "../../support/build/workload.ts";

const TARGET = proxyImage("v1.27.9-6");
const LATE = proxyImage("v1.27.7-1");
const OLD: RevisionOptions = { name: "asm-1-27", values: { image: TARGET } };
const NEW: RevisionOptions = { name: "asm-1-28", values: { image: proxyImage("v1.28.3-2") } };
const SHOP = namespace("shop", { rev: "asm-1-27" });
const POLICY: AssessmentOptions = { ...NO_CONSENT, excludes: () => undefined };
const NO_REPLICAS = { replicas: 0, updated: 0, available: 0 };
const PIN = { annotations: { "sidecar.istio.io/proxyImage": "x/proxyv2:v9" } };

function mesh(options: Partial<ControlPlaneOptions> = {}): Mesh {
  return resolveMesh(controlPlane({ revisions: [OLD, NEW], ...options }));
}

interface World {
  readonly ns?: Namespace | undefined;
  readonly mesh?: Mesh;
  readonly policy?: Partial<AssessmentOptions>;
}

function judge(workload: Workload, world: World = {}): Assessment | undefined {
  const ns = "ns" in world ? world.ns : SHOP;
  return assess(workload, ns, world.mesh ?? mesh(), { ...POLICY, ...world.policy });
}

/** `VERDICT CODE`, or `outside`. */
function verdictOf(workload: Workload, world: World = {}): string {
  const assessment = judge(workload, world);
  return assessment ? `${assessment.verdict} ${assessment.finding.code}` : "outside";
}

describe("the verdict", () => {
  const web = (...pods: Workload["pods"]) => deployment("web", { pods });

  test.each<[what: string, workload: Workload, world: World, verdict: string]>([
    ["every pod on target", web(sidecars(3, TARGET)), {}, "current on-target"],
    [
      "pods that are not ready count too",
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
    ["an older patch", web(sidecars(3, LATE)), {}, "outdated image-differs"],
    ["one pod of many", web(sidecars(9, TARGET), sidecars(1, LATE)), {}, "outdated image-differs"],
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
      web(sidecars(1, LATE), sidecars(1, TARGET, { revision: "asm-1-26" })),
      {},
      "outdated image-differs",
    ],
    ["no sidecar, and one to come", web(bare(3)), {}, "missing no-sidecar"],
    [
      "some pods without a sidecar, the rest on target",
      web(sidecars(2, TARGET), bare(1)),
      {},
      "missing no-sidecar",
    ],
    [
      "some pods without a sidecar, the rest late",
      web(sidecars(2, LATE), bare(1)),
      {},
      "outdated image-differs",
    ],
    ["no sidecar, and none to come", web(bare(3)), { ns: namespace("shop") }, "outside"],
    [
      "a sidecar, and none to come",
      web(sidecars(3, LATE)),
      { ns: namespace("shop") },
      "would-lose no-label",
    ],
    [
      "on target, and yet none to come",
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
      "some with a sidecar, and none to come",
      web(sidecars(1, TARGET), bare(2)),
      { ns: namespace("shop") },
      "would-lose no-label",
    ],
    [
      "a dead webhook that is ignored",
      web(sidecars(3, TARGET)),
      { mesh: mesh({ revisions: [{ ...OLD, state: "dead", failurePolicy: "Ignore" }] }) },
      "would-lose webhook-dead-ignored",
    ],
    [
      "a dead webhook that fails",
      web(sidecars(3, TARGET)),
      { mesh: mesh({ revisions: [{ ...OLD, state: "dead" }] }) },
      "blocked webhook-dead",
    ],
    [
      "a dead webhook that fails, no sidecar yet",
      web(bare(3)),
      { mesh: mesh({ revisions: [{ ...OLD, state: "dead" }] }) },
      "blocked webhook-dead",
    ],
    [
      "webhooks unread",
      web(sidecars(3, TARGET)),
      { mesh: mesh({ unread: ["webhooks"] }) },
      "unknown webhooks-unread",
    ],
    [
      "webhooks unread, no sidecar now",
      web(bare(3)),
      { mesh: mesh({ unread: ["webhooks"] }) },
      "unknown webhooks-unread",
    ],
    [
      "the namespace unread",
      web(sidecars(3, TARGET)),
      { ns: undefined },
      "unknown namespace-unread",
    ],
    [
      "the template unread",
      deployment("web", { pods: [sidecars(3, TARGET)], template: null }),
      {},
      "unknown owner-unread",
    ],
    [
      "a custom owner unread",
      otherWorkload("CloneSet", "web", { pods: [sidecars(3, TARGET)], template: null }),
      {},
      "unknown owner-unread",
    ],
    [
      "no pods where some are wanted",
      deployment("web", { rollout: { replicas: 2 } }),
      {},
      "unknown no-pods",
    ],
    [
      "no pods where a DaemonSet wants some",
      daemonSet("agent", { rollout: { status: { desired: 2, updated: 0, available: 0 } } }),
      {},
      "unknown no-pods",
    ],
    [
      "no live pod, and nothing that would make one",
      otherWorkload("Job", "import", { terminatingPods: [sidecars(1, LATE)] }),
      {},
      "outside",
    ],
    [
      "a bare pod that is on its way out",
      otherWorkload("Pod", "web", { terminatingPods: [sidecars(1, LATE)] }),
      {},
      "outside",
    ],
    [
      "no live pod of an owner that could not be read",
      otherWorkload("CloneSet", "web", {
        template: null,
        terminatingPods: [sidecars(1, LATE)],
      }),
      {},
      "outside",
    ],
    ["scaled to zero", deployment("web"), {}, "current scaled-to-zero"],
    [
      "scaled to zero, and its last pods are still to go",
      statefulSet("db", {
        pods: [sidecars(2, LATE), bare(1)],
        rollout: { replicas: 0, status: { ready: 3, updated: 0 } },
      }),
      {},
      "current scaled-to-zero",
    ],
    [
      "scaled to zero, and its last pods lost what injects them",
      deployment("web", {
        pods: [sidecars(2, LATE)],
        rollout: { replicas: 0 },
      }),
      { ns: namespace("shop") },
      "would-lose no-label",
    ],
    ["scaled to zero, and none to come", deployment("web"), { ns: namespace("shop") }, "outside"],
    [
      "pinned by annotation, and running the pin",
      deployment("web", { pods: [sidecars(3, "x/proxyv2:v9")], template: PIN }),
      {},
      "pinned pinned-by-annotation",
    ],
    [
      "pinned by container, and running the pin",
      deployment("web", { pods: [sidecars(3, "own:1")], template: { proxy: { image: "own:1" } } }),
      {},
      "pinned pinned-by-container",
    ],
    [
      "pinned, and running something else",
      deployment("web", { pods: [sidecars(3, LATE)], template: PIN }),
      {},
      "outdated image-differs",
    ],
    [
      "pinned, and running the revision's image",
      deployment("web", { pods: [sidecars(3, TARGET)], template: PIN }),
      {},
      "outdated image-differs",
    ],
    [
      "pinned, and of another revision",
      deployment("web", {
        pods: [sidecars(3, "x/proxyv2:v9", { revision: "asm-1-26" })],
        template: PIN,
      }),
      {},
      "outdated revision-differs",
    ],
    [
      "pinned to what the revision gives anyway",
      deployment("web", {
        pods: [sidecars(3, TARGET)],
        template: { annotations: { "sidecar.istio.io/proxyImage": TARGET } },
      }),
      {},
      "current on-target",
    ],
    [
      "a bare pod that is late",
      otherWorkload("Pod", "web", { pods: [sidecars(1, LATE)] }),
      {},
      "outdated image-differs",
    ],
    [
      "AKS's own gateway",
      deployment("gw", { namespace: "aks-istio-ingress", pods: [sidecars(2, LATE)] }),
      {},
      "managed aks-gateway",
    ],
    [
      "a gateway that istiod renders, in a namespace without labels",
      deployment("gw", {
        template: { labels: { "gateway.istio.io/managed": "x" }, proxy: { image: LATE } },
        pods: [sidecars(2, LATE)],
      }),
      { ns: namespace("shop") },
      "managed gateway-api",
    ],
    [
      "excluded by the command line",
      web(sidecars(3, LATE)),
      { policy: { excludes: () => "--exclude deploy/web" } },
      "excluded excluded",
    ],
    [
      "excluded by its annotation",
      deployment("web", {
        pods: [sidecars(3, LATE)],
        annotations: { "istio-upgrade/exclude": "true" },
      }),
      {},
      "excluded excluded",
    ],
    [
      "not excluded by another value",
      deployment("web", {
        pods: [sidecars(3, LATE)],
        annotations: { "istio-upgrade/exclude": "false" },
      }),
      {},
      "outdated image-differs",
    ],
    [
      "excluded by its namespace",
      web(sidecars(3, LATE)),
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

describe("without pods", () => {
  const web = deployment("web", { rollout: { replicas: 2, status: NO_REPLICAS } });
  const judged = (evidence: ServerAnswers) => {
    const { verdict, finding } = assess(web, SHOP, mesh(), POLICY, evidence) ?? {};
    return [verdict, finding?.code, finding?.reason];
  };

  test.each<[what: string, evidence: ServerAnswers, expected: readonly string[]]>([
    ["nothing says why", {}, ["unknown", "no-pods", "it wants 2 pods and has none"]],
    [
      "its controller was refused",
      { refusal: "exceeded quota: q" },
      ["blocked", "pod-refused", "its pods are refused: exceeded quota: q"],
    ],
    [
      "its controller was refused for PodSecurity's sake",
      { refusal: 'violates PodSecurity "baseline:latest"' },
      ["blocked", "pod-security", 'its pods are refused: violates PodSecurity "baseline:latest"'],
    ],
    [
      "a new one would be refused",
      { dryRun: { kind: "refused", message: "no" } },
      ["blocked", "pod-refused", "a dry run by the API server is refused: no"],
    ],
    [
      "a new one would be accepted",
      { dryRun: { kind: "pod", image: TARGET, revision: "asm-1-27" } },
      ["unknown", "no-pods", "it wants 2 pods and has none"],
    ],
  ])("%s", (_what, evidence, expected) => {
    expect(judged(evidence)).toEqual(expected);
  });
});

describe("the first that holds is taken", () => {
  /** Holds all of them at once; each world takes the strongest away. */
  const everything: World = {
    ns: undefined,
    policy: { excludes: () => "--exclude" },
    mesh: mesh({ revisions: [{ ...OLD, state: "dead" }] }),
  };
  const managed = deployment("gw", {
    namespace: "aks-istio-ingress",
    pods: [sidecars(2, LATE), bare(1)],
    template: PIN,
  });
  const mixed = deployment("web", { pods: [sidecars(2, LATE), bare(1)], template: PIN });
  const bareAndPinned = deployment("web", {
    pods: [sidecars(2, "x/proxyv2:v9"), bare(1)],
    template: PIN,
  });
  const dead = mesh({ revisions: [{ ...OLD, state: "dead" }] });

  test.each<[verdict: string, workload: Workload, world: World]>([
    ["managed", managed, everything],
    ["excluded", mixed, everything],
    ["unknown", mixed, { ...everything, policy: {} }],
    ["would-lose", mixed, { mesh: dead, ns: namespace("shop") }],
    ["blocked", mixed, { mesh: dead }],
    ["outdated", mixed, {}],
    ["missing", bareAndPinned, {}],
    ["pinned", deployment("web", { pods: [sidecars(2, "x/proxyv2:v9")], template: PIN }), {}],
    ["current", deployment("web", { pods: [sidecars(2, TARGET)] }), {}],
  ])("%s", (verdict, workload, world) => {
    expect(judge(workload, world)?.verdict).toBe(verdict);
  });

  test("in the order that VERDICTS has", () => {
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

describe("what a verdict hides is a warning", () => {
  const excluded: World = { policy: { excludes: () => "--exclude" } };
  const dead = mesh({ revisions: [{ ...OLD, state: "dead" }] });
  const late = deployment("web", { pods: [sidecars(3, LATE)] });

  test.each<[what: string, workload: Workload, world: World, warnings: readonly string[]]>([
    ["excluded, late", late, excluded, ["otherwise-outdated"]],
    [
      "excluded, no sidecar",
      deployment("web", { pods: [bare(1)] }),
      excluded,
      ["otherwise-missing"],
    ],
    [
      "excluded, about to lose its sidecar",
      late,
      { ...excluded, ns: namespace("shop") },
      ["otherwise-would-lose"],
    ],
    ["excluded, blocked", late, { ...excluded, mesh: dead }, ["otherwise-blocked"]],
    ["excluded, undecided", late, { ...excluded, ns: undefined }, ["otherwise-unknown"]],
    ["excluded, on target", deployment("web", { pods: [sidecars(3, TARGET)] }), excluded, []],
    [
      "managed",
      deployment("gw", { namespace: "aks-istio-ingress", pods: [sidecars(2, LATE)] }),
      {},
      [],
    ],
    [
      "late, and pinned",
      deployment("web", { pods: [sidecars(3, LATE)], template: PIN }),
      {},
      ["pinned"],
    ],
    [
      "late, pinned, and some without a sidecar",
      deployment("web", { pods: [sidecars(3, LATE), bare(1)], template: PIN }),
      {},
      ["pinned", "some-without-sidecar"],
    ],
    [
      "no sidecar, and pinned",
      deployment("web", { pods: [bare(3)], template: PIN }),
      {},
      ["pinned"],
    ],
    [
      "late, and pinned to what the revision gives anyway",
      deployment("web", {
        pods: [sidecars(3, LATE)],
        template: { annotations: { "sidecar.istio.io/proxyImage": TARGET } },
      }),
      {},
      [],
    ],
    [
      "about to lose what only some have",
      deployment("web", { pods: [sidecars(1, LATE), bare(1)] }),
      { ns: namespace("shop") },
      ["some-without-sidecar"],
    ],
  ])("%s", (_what, workload, world, warnings) => {
    expect(judge(workload, world)?.warnings.map(({ code }) => code)).toEqual(warnings);
  });

  test("with its reason", () => {
    expect(judge(late, { ...excluded, ns: namespace("shop") })?.warnings).toEqual([
      {
        code: "otherwise-would-lose",
        message:
          "left out, it is not shown as would-lose: neither namespace shop nor the pod template has a label that asks for injection",
      },
    ]);
    const pinned = deployment("web", { pods: [sidecars(3, LATE)], template: PIN });
    expect(judge(pinned)?.warnings[0]?.message).toBe(
      `the pod template's annotation sidecar.istio.io/proxyImage pins x/proxyv2:v9; asm-1-27 gives ${TARGET}`,
    );
  });
});

describe("whether it is restarted", () => {
  const late = [sidecars(3, LATE)];

  test.each<[what: string, workload: Workload, world: World, answer: string]>([
    ["outdated", deployment("web", { pods: late }), {}, "yes"],
    [
      "outdated, paused",
      deployment("web", { pods: late, rollout: { paused: true } }),
      {},
      "refused",
    ],
    [
      "outdated, a bare pod",
      otherWorkload("Pod", "web", { pods: [sidecars(1, LATE)] }),
      {},
      "by-hand",
    ],
    [
      "outdated, only below the partition",
      statefulSet("db", {
        pods: [
          sidecars(1, LATE, { podNames: ["db-0"] }),
          sidecars(2, TARGET, { podNames: ["db-1", "db-2"] }),
        ],
        rollout: { partition: 1 },
      }),
      {},
      "refused",
    ],
    [
      "missing, only below the partition",
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
      "current, asked for, with a partition that keeps some",
      statefulSet("db", {
        pods: [sidecars(3, TARGET, { podNames: ["db-0", "db-1", "db-2"] })],
        rollout: { partition: 1 },
      }),
      { policy: { current: true } },
      "yes",
    ],
    ["missing", deployment("web", { pods: [bare(3)] }), {}, "yes"],
    ["current", deployment("web", { pods: [sidecars(3, TARGET)] }), {}, "no"],
    [
      "current, asked for",
      deployment("web", { pods: [sidecars(3, TARGET)] }),
      { policy: { current: true } },
      "yes",
    ],
    ["scaled to zero, asked for", deployment("web"), { policy: { current: true } }, "no"],
    [
      "pinned, current asked for",
      deployment("web", { pods: [sidecars(3, "x/proxyv2:v9")], template: PIN }),
      { policy: { current: true } },
      "no",
    ],
    [
      "would-lose, all consents",
      deployment("web", { pods: late }),
      { ns: namespace("shop"), policy: { current: true, downtime: true, unhealthy: true } },
      "no",
    ],
    [
      "blocked, all consents",
      deployment("web", { pods: late }),
      {
        mesh: mesh({ revisions: [{ ...OLD, state: "dead" }] }),
        policy: { current: true, downtime: true, unhealthy: true },
      },
      "no",
    ],
    ["excluded", deployment("web", { pods: late }), { policy: { excludes: () => "it" } }, "no"],
    [
      "a StatefulSet of one, with consent",
      statefulSet("db", { pods: [sidecars(1, LATE)] }),
      { policy: { downtime: true } },
      "yes",
    ],
  ])("%s", (_what, workload, world, answer) => {
    expect(judge(workload, world)?.restart.answer).toBe(answer);
  });
});

describe("a change of revision while the shared mesh configuration is not copied", () => {
  const SHARED_27 = { "istio-shared-configmap-asm-1-27": {} };
  const SHARED_28 = { "istio-shared-configmap-asm-1-28": {} };
  const moved = namespace("shop", { rev: "asm-1-28" });
  const web = deployment("web", { pods: [sidecars(3, LATE)] });

  test.each<
    [
      what: string,
      configMaps: Readonly<Record<string, Labels>>,
      workload: Workload,
      ns: Namespace,
      answer: string,
    ]
  >([
    ["old one only", SHARED_27, web, moved, "refused"],
    ["old and new one", { ...SHARED_27, ...SHARED_28 }, web, moved, "yes"],
    ["new one only", SHARED_28, web, moved, "yes"],
    ["none", {}, web, moved, "yes"],
    ["old one only, and the revision stays", SHARED_27, web, SHOP, "yes"],
    [
      "old one only, back to it",
      SHARED_27,
      deployment("web", { pods: [sidecars(1, LATE, { revision: "asm-1-28" })] }),
      SHOP,
      "yes",
    ],
    ["one of a third revision", { "istio-shared-configmap-asm-1-26": {} }, web, moved, "yes"],
    [
      "old one only, and one pod of it among new ones",
      SHARED_27,
      deployment("web", {
        pods: [sidecars(1, LATE), sidecars(2, proxyImage("v1.28.3-2"), { revision: "asm-1-28" })],
      }),
      moved,
      "refused",
    ],
    [
      "old one only, and it is paused besides",
      SHARED_27,
      deployment("web", { pods: [sidecars(3, LATE)], rollout: { paused: true } }),
      moved,
      "refused",
    ],
    [
      "old one only, and nothing can be restarted anyway",
      SHARED_27,
      otherWorkload("Pod", "web", { pods: [sidecars(1, LATE)] }),
      moved,
      "by-hand",
    ],
  ])("%s", (_what, configMaps, workload, ns, answer) => {
    const world = { mesh: mesh({ configMaps: configMaps }), ns };
    const assessment = judge(workload, world);
    expect([assessment?.verdict, assessment?.restart.answer]).toEqual(["outdated", answer]);
  });

  test("is refused with the command that copies it", () => {
    const assessment = judge(web, { mesh: mesh({ configMaps: SHARED_27 }), ns: moved });
    expect(assessment?.restart).toMatchObject({
      finding: {
        code: "shared-configmap-missing",
        nextStep:
          "kubectl get configmap istio-shared-configmap-asm-1-27 -n aks-istio-system -o yaml | sed 's/asm-1-27/asm-1-28/' | kubectl create -f -",
      },
    });
  });
});

describe("the shared mesh configuration where ConfigMaps could not be read", () => {
  const proof: DryRun = { kind: "pod", image: proxyImage("v1.28.3-2"), revision: "asm-1-28" };
  const unread = mesh({ unread: ["configMaps"] });
  const moved = namespace("shop", { rev: "asm-1-28" });

  test.each([
    ["may be lost with another revision", "asm-1-27", "refused"],
    ["stays with the same", "asm-1-28", "yes"],
  ])("%s", (_what, revision, answer) => {
    const web = deployment("web", { pods: [sidecars(3, LATE, { revision })] });
    const assessment = assess(web, moved, unread, POLICY, { dryRun: proof });
    expect([assessment?.verdict, assessment?.restart.answer]).toEqual(["outdated", answer]);
  });
});

test("without its namespace even what is proved stays unknown: it may be left out there", () => {
  const proof: DryRun = { kind: "pod", image: TARGET, revision: "asm-1-27" };
  const web = deployment("web", { pods: [sidecars(3, LATE)] });
  expect(assess(web, undefined, mesh(), POLICY, { dryRun: proof })).toMatchObject({
    verdict: "unknown",
    proved: false,
  });
});

describe("what is said of it", () => {
  test("each group of pods has its own change, the workload the largest", () => {
    const pods = [
      sidecars(2, TARGET),
      sidecars(1, TARGET, { revision: "asm-1-26" }),
      sidecars(1, LATE),
      bare(1),
    ];
    const assessment = judge(deployment("web", { pods }));
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
  ])("%i late pods are counted", (count, start) => {
    const assessment = judge(
      deployment("web", { pods: [sidecars(count, LATE), sidecars(5, TARGET)] }),
    );
    expect(assessment?.finding.reason).toBe(
      `${start} ${TARGET} from configmap/istio-sidecar-injector-asm-1-27`,
    );
  });

  test.each([
    [bare(1), "1 pod has no sidecar, and asm-1-27 would inject one"],
    [bare(3), "3 pods have no sidecar, and asm-1-27 would inject one"],
  ])("pods that lack a sidecar are counted", (group, reason) => {
    expect(judge(deployment("web", { pods: [group] }))?.finding.reason).toBe(reason);
  });

  test("a pin names itself, its image and the revision's", () => {
    const assessment = judge(
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
    ["nothing would be injected", { ns: namespace("shop") }],
    ["new pods are rejected", { mesh: mesh({ revisions: [{ ...OLD, state: "dead" }] }) }],
    ["it cannot be told", { ns: undefined }],
  ])("there is no target and no change where %s", (_what, world) => {
    const assessment = judge(deployment("web", { pods: [sidecars(1, LATE)] }), world);
    expect(assessment).toBeDefined();
    expect([assessment?.target, assessment?.change]).toEqual([undefined, "none"]);
  });

  test("an exclusion says by what", () => {
    const assessment = judge(deployment("web", { pods: [sidecars(1, LATE)] }), {
      policy: { excludes: ({ name }) => `--exclude deploy/${name}` },
    });
    expect(assessment?.finding.reason).toBe("left out by --exclude deploy/web");
  });
});
