import { describe, expect, test } from "vitest";
import { VERDICTS } from "../../../src/mesh/verdict.ts";
import {
  planHash,
  type PlanContent,
  summaryEntry,
  workloadEntry,
} from "../../../src/report/entries.ts";
import type { Workload } from "../../../src/snapshot.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { bare, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import {
  AKS_GATEWAY,
  deployment,
  otherWorkload,
  statefulSet,
} from "../../support/build/workload.ts";
import { formatStep } from "../../support/build/next-step.ts";

const TARGET = proxyImage("v1.27.9-6");
const LATE = proxyImage("v1.27.7-1");
const MISSING = "istio-upgrade restart deployment/web --namespace shop --include missing";
const MISSING_ALONE =
  "istio-upgrade restart statefulset/db --namespace shop --include missing --allow-downtime";

type Options = Parameters<typeof assessmentOf>[1];

function entry(workload: Workload, options?: Options) {
  return workloadEntry(assessmentOf(workload, options), formatStep);
}

describe("the next step removes the obstacle to a restart before it names a flag", () => {
  test.each<[what: string, workload: Workload, options: Options, nextStep: string]>([
    ["missing, without an obstacle", deployment("web", { pods: [bare(2)] }), {}, MISSING],
    [
      "missing and paused",
      deployment("web", { pods: [bare(2)], rollout: { paused: true } }),
      {},
      "kubectl rollout resume deployment/web -n shop",
    ],
    ["missing, with one replica", statefulSet("db", { pods: [bare(1)] }), {}, MISSING_ALONE],
    [
      "missing, with one replica and consent",
      statefulSet("db", { pods: [bare(1)] }),
      { policy: { downtime: true } },
      MISSING_ALONE,
    ],
    [
      "missing, to be restarted by hand",
      otherWorkload("Job", "import", { pods: [bare(1)] }),
      {},
      "wait until it is complete; if only its sidecar is left, or to run it again, delete it: kubectl delete job import -n shop",
    ],
    ["outdated", deployment("web", { pods: [sidecars(2, LATE)] }), {}, ""],
    [
      "outdated and paused",
      deployment("web", { pods: [sidecars(2, LATE)], rollout: { paused: true } }),
      {},
      "kubectl rollout resume deployment/web -n shop",
    ],
    [
      "would lose the sidecar: only the label fixes it",
      deployment("web", { pods: [sidecars(2, LATE)], rollout: { paused: true } }),
      { labels: { rev: "asm-1-26" } },
      "kubectl label namespace shop istio.io/rev=asm-1-27 --overwrite && istio-upgrade restart --namespace shop --allow-revision asm-1-27",
    ],
  ])("%s", (_what, workload, options, nextStep) => {
    expect(entry(workload, options).nextStep).toBe(nextStep);
  });
});

describe("a summary", () => {
  const current = entry(deployment("a", { pods: [sidecars(1, TARGET)] }));
  const missing = entry(deployment("b", { pods: [bare(2)] }));
  const outdated = entry(deployment("c", { pods: [sidecars(3, LATE)] }));
  const lost = entry(deployment("d", { pods: [sidecars(1, TARGET)] }), { labels: {} });
  const managed = entry(deployment("e", { ...AKS_GATEWAY, pods: [sidecars(1, LATE)] }));

  test("counts by verdict, in the order of the verdicts", () => {
    const { workloads, pods, byVerdict } = summaryEntry([
      current,
      missing,
      current,
      outdated,
      lost,
      managed,
    ]);
    expect([workloads, pods]).toEqual([6, 9]);
    expect(Object.entries(byVerdict)).toEqual([
      ["managed", 1],
      ["would-lose", 1],
      ["outdated", 1],
      ["missing", 1],
      ["current", 2],
    ]);
    expect(VERDICTS.filter((verdict) => verdict in byVerdict)).toEqual(Object.keys(byVerdict));
  });

  test("omits verdicts without workloads", () => {
    expect(summaryEntry([])).toEqual({ workloads: 0, pods: 0, byVerdict: {} });
    expect(summaryEntry([outdated]).byVerdict).toEqual({ outdated: 1 });
  });
});

describe("the hash of a plan", () => {
  const plan = {
    cluster: { context: "prod", server: "https://aks:443", istioNamespace: "aks-istio-system" },
    scope: { include: ["unhealthy", "missing"] },
    allowDowntime: false,
    steps: [],
  } satisfies PlanContent;

  test("does not depend on the name of the context", () => {
    const same: PlanContent = {
      ...plan,
      cluster: { ...plan.cluster, context: "other" },
      scope: { include: ["missing", "unhealthy"] },
    };
    expect(planHash(same)).toBe(planHash(plan));
  });

  test.each<[what: string, more: Partial<PlanContent>]>([
    ["another cluster", { cluster: { ...plan.cluster, server: "https://aks-2:443" } }],
    ["another control plane", { cluster: { ...plan.cluster, istioNamespace: "istio-system" } }],
    ["consent to downtime", { allowDowntime: true }],
    ["a replacement in place", { inPlace: { pull: false } }],
    ["more than was asked for", { scope: { include: ["current", "missing", "unhealthy"] } }],
  ])("differs for %s", (_what, more) => {
    expect(planHash({ ...plan, ...more })).not.toBe(planHash(plan));
  });
});
