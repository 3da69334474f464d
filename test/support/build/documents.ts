import type {
  AnyDocument,
  ErrorDocument,
  Explanation,
  RestartReport,
  RevisionsReport,
  StatusReport,
} from "../../../src/report/document.ts";
import { aged, assessmentOf } from "./assessment.ts";
import { bare, proxyImage, sidecars } from "./pod-group.ts";
import { checkReport, HEAD, restartReport, verifyReport } from "./report.ts";
import { resultOf, someResult, someStep } from "./step.ts";
import { deployment, otherWorkload, statefulSet } from "./workload.ts";

const [NEW, OLD] = [proxyImage("v1.27.9-6"), proxyImage("v1.27.7-1")];
export const LATE = aged(
  assessmentOf(deployment("web", { pods: [sidecars(3, OLD), sidecars(1, NEW)] })),
  {
    atLeast: 8 * 86_400,
    atMost: 31 * 86_400,
  },
);
const current = assessmentOf(deployment("api", { pods: [sidecars(2, NEW, { ready: 1 })] }));
const lost = assessmentOf(statefulSet("ledger", { namespace: "pay", pods: [sidecars(3, NEW)] }), {
  labels: { rev: "asm-1-26" },
});
const missing = assessmentOf(deployment("new", { namespace: "pay", pods: [bare(2)] }));
const unknown = assessmentOf(deployment("cache", { rollout: { replicas: 2 } }));
const alone = assessmentOf(otherWorkload("Pod", "single", { pods: [sidecars(1, OLD)] }));
/** One workload of each kind that a page distinguishes. */
export const ASSESSMENTS = [LATE, current, lost, missing, unknown, alone];
export const GAP = {
  verb: "list",
  resource: "pods",
  namespace: "vault",
  reason: "forbidden",
  message: "not allowed",
  hint: "kubectl auth can-i list pods -n vault",
} as const;

const FOUND = checkReport({
  assessments: ASSESSMENTS.map((found) => ({
    ...found,
    warnings: [{ code: "flux", message: "a warning" }],
    drift: [
      {
        path: "spec.containers[app].image",
        what: "application" as const,
        from: "a",
        to: "b",
      },
    ],
  })),
  gaps: [GAP],
  nextStep: "istio-upgrade restart --namespace shop",
  exitCode: 2,
  maxAge: 30 * 86_400,
});
export const CHECK = {
  ...FOUND,
  // The team of the namespace `shop`; the others have none.
  workloads: FOUND.workloads.map((entry) =>
    entry.namespace === "shop" ? { ...entry, group: "front", labels: { team: "front" } } : entry,
  ),
  notes: ["a note: istio-upgrade revisions"],
  groupBy: "namespace-label=team",
  labelColumns: ["team"],
  since: {
    generatedAt: "2026-11-21T20:00:00.000Z",
    new: [{ namespace: "pay", kind: "Pod", name: "x", verdict: "blocked" as const, before: null }],
    gone: [
      {
        namespace: "pay",
        kind: "Pod",
        name: "y",
        verdict: "unknown" as const,
        now: "current" as const,
      },
    ],
  },
  exitReasons: ["outdated:1"],
};

const START = Date.parse("2026-11-22T20:00:00Z");
const at = (second: number) => new Date(START + second * 1000);
const web = resultOf(someStep(), {
  startedAt: at(0),
  milestones: { firstPodAt: at(3).getTime(), readyAt: at(21).getTime() },
  finishedAt: at(30),
});
const cartStep = {
  ...someStep(),
  ref: { namespace: "orders", kind: "Deployment", name: "cart", uid: "cart" },
};
const cart = resultOf(cartStep, {
  outcome: "failed",
  code: "pod-failed",
  message: "the new pod crashes",
  nextStep: "kubectl describe pod cart-1 -n orders",
  startedAt: at(400),
  finishedAt: at(444),
});
const place = (namespace: string, name: string, outcome: "restarted" | "failed") => ({
  namespace,
  kind: "Deployment",
  name,
  outcome,
});
export const RESTART: RestartReport = {
  ...restartReport([web, cart], { assessments: [current, lost] }),
  reason: "CHG-4711",
  exitCode: 3,
  exitReasons: ["failed:1"],
  pace: { waves: "1", soak: "PT5M", gate: "./check-slo", gateTimeout: "PT10M" },
  waves: [
    {
      number: 1,
      workloads: [place("shop", "web", "restarted")],
      startedAt: at(0).toISOString(),
      finishedAt: at(30).toISOString(),
      soak: {
        result: "passed",
        message: "all pods stayed healthy for 5m",
        nextStep: "",
        workload: null,
        pod: null,
        container: null,
        event: null,
        startedAt: at(30).toISOString(),
        finishedAt: at(330).toISOString(),
      },
      gate: {
        command: "./check-slo",
        result: "passed",
        exitCode: 0,
        message: "exited with 0",
        output: "error rate 0.02 %\nok\n",
        omittedBytes: 0,
        startedAt: at(330).toISOString(),
        finishedAt: at(344).toISOString(),
      },
    },
    {
      number: 2,
      workloads: [place("orders", "cart", "failed")],
      startedAt: at(400).toISOString(),
      finishedAt: at(444).toISOString(),
      soak: null,
      gate: null,
    },
  ],
};
export const MOVE: RestartReport = {
  ...RESTART,
  move: { to: "prod", revision: "asm-1-28", direction: "forward", wayBack: "istio-upgrade move x" },
  namespaces: [
    {
      name: "shop",
      from: "asm-1-27",
      injection: "enabled",
      to: "prod",
      outcome: "labelled",
      code: "",
      message: "why",
      nextStep: "do it",
      labelledAt: at(0).toISOString(),
      pods: { "asm-1-28": 3 },
    },
  ],
};
export const PLAN = {
  ...restartReport([someResult({ outcome: "skipped" })], { assessments: [LATE], dryRun: "client" }),
  waves: RESTART.waves,
};
export const ERROR: ErrorDocument = {
  apiVersion: "istio-upgrade/v1",
  kind: "Error",
  cluster: { context: "prod" },
  code: "unreachable",
  message: "no answer",
  hint: "try again",
  exitCode: 1,
};
const { gaps, targets, summary } = CHECK;
const EXPLANATION: Explanation = {
  ...HEAD,
  kind: "Explanation",
  subject: { namespace: "shop", kind: "Deployment", name: "web", pod: "web-1" },
  complete: false,
  gaps,
  notes: [],
  steps: [{ step: "namespace", subject: "namespace/shop", result: "injected", detail: "detail" }],
  workload: CHECK.workloads[0] ?? null,
  verdict: "outdated",
  code: "image-differs",
  reason: "why",
  nextStep: "do it",
  exitCode: 2,
  exitReasons: [],
};
const REVISIONS: RevisionsReport = {
  ...HEAD,
  kind: "RevisionsReport",
  revision: "asm-1-27",
  assertUnused: true,
  complete: false,
  gaps,
  revisions: [
    {
      revision: "asm-1-27",
      installed: true,
      elsewhere: null,
      ready: false,
      image: OLD,
      source: "configmap/a",
      tags: ["prod"],
      namespaces: [],
      pods: { sidecars: 3, gateways: 1, terminating: 1, managed: 1 },
      warnings: [{ code: "shared-configmap-settings", message: "why", nextStep: "do it" }],
      removal: ["istioctl uninstall --revision x"],
      holders: [
        {
          kind: "pods",
          releasedBy: "restart",
          count: 12,
          names: ["shop/deploy/web"],
          release: "istio-upgrade restart -A",
        },
      ],
    },
  ],
  unattributed: { pods: 1, names: ["shop/deploy/lost"], tags: ["old"] },
  exitCode: 6,
  exitReasons: [],
};
export const STATUS: StatusReport = {
  ...HEAD,
  kind: "StatusReport",
  phase: "moving",
  from: "asm-1-27",
  to: "asm-1-28",
  complete: true,
  gaps: [],
  notes: [],
  targets,
  steps: [
    { id: "ready", state: "done", message: "both are ready", nextStep: "" },
    { id: "restarts", state: "current", message: "restarts", nextStep: "istio-upgrade restart -A" },
  ],
  namespaces: [
    {
      name: "shop",
      labels: {},
      leadsTo: null,
      tag: null,
      pods: { "asm-1-27": 3 },
      outdated: 1,
      byHand: 2,
      wouldLose: 3,
      blocked: 4,
      nextStep: "do it",
    },
  ],
  summary,
  nextStep: "istio-upgrade restart -A",
  exitCode: 2,
  exitReasons: [],
};

/** A document of every kind, with everything that a page can show. */
export const DOCUMENTS: Readonly<Record<string, AnyDocument | ErrorDocument>> = {
  "a check": CHECK,
  "an empty check": checkReport(),
  "a verification": verifyReport({ assessments: ASSESSMENTS }),
  "a restart in waves": RESTART,
  "a move": MOVE,
  "a plan": PLAN,
  "an explanation": EXPLANATION,
  revisions: REVISIONS,
  "a status": STATUS,
  "an error": ERROR,
};
