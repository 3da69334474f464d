import { describe, expect, test } from "vitest";
import type { ExitCode } from "../../../src/exit-codes.ts";
import type { CheckReport } from "../../../src/report/document.ts";
import {
  contradictionsOf,
  driftErrors,
  exitCodeOfCheck,
  exitCodeOfPlan,
  exitCodeOfVerify,
  missingUses,
  selectionErrors,
} from "../../oracle/command-agreement.ts";
import { checkReport, restartReport, verifyReport } from "../../support/build/report.ts";

type Entry = CheckReport["workloads"][number];

const TARGET = { revision: "asm-1-27", image: "proxyv2:v1.27.9-6" };

const GROUP = {
  image: "old",
  revision: "asm-1-27",
  pods: 2,
  ready: 2,
  native: false,
  change: "patch",
} as const;

function entry(fields: Partial<Entry> = {}): Entry {
  return {
    namespace: "shop",
    kind: "Deployment",
    name: "web",
    verdict: "outdated",
    code: "image-differs",
    reason: "",
    nextStep: "",
    change: "patch",
    running: [GROUP],
    wanted: 2,
    target: TARGET,
    proof: "predicted",
    restart: "yes",
    restartCode: "",
    restartReason: "",
    drift: null,
    warnings: [],
    ...fields,
  };
}

const STEP = {
  namespace: "shop",
  kind: "Deployment",
  name: "web",
  uid: "1",
  from: [],
  to: TARGET,
  change: "patch",
  verdict: "outdated",
  template: null,
} as const;

const RESULT = {
  ...STEP,
  outcome: "skipped",
  code: "dry-run",
  message: "",
  nextStep: "",
  startedAt: null,
  finishedAt: "2026-11-22T20:00:00.000Z",
} as const;

const GAP = {
  what: "list pods",
  namespace: "pay",
  reason: "forbidden",
  message: "",
  hint: "",
} as const;

/** Three reports that agree: one workload is outdated, and a restart is planned. */
function agreeing() {
  const workloads = [entry()];
  return {
    check: { ...checkReport(), workloads, exitCode: 2 as ExitCode },
    verify: { ...verifyReport(), workloads, exitCode: 2 as ExitCode },
    plan: { ...restartReport([]), workloads, steps: [STEP], results: [RESULT] },
  };
}

describe("the three commands", () => {
  test("agree if they say the same, although only one of them proved it", () => {
    const { plan, ...others } = agreeing();
    const workloads = [entry({ proof: "proved" })];
    expect(contradictionsOf({ ...others, plan: { ...plan, workloads } })).toEqual([]);
  });

  const different: [what: string, fields: Partial<Entry>][] = [
    ["verdict", { verdict: "current" }],
    ["code", { code: "revision-differs" }],
    ["change", { change: "minor" }],
    ["restart", { restart: "refused" }],
    ["target image", { target: { ...TARGET, image: "other" } }],
    ["target revision", { target: { ...TARGET, revision: "other" } }],
    ["target", { target: null }],
    ["name", { name: "api" }],
    ["kind", { kind: "StatefulSet" }],
    ["namespace", { namespace: "pay" }],
  ];
  test.for(different)("contradict each other by another %s", ([, fields]) => {
    const { verify, plan, ...rest } = agreeing();
    const workloads = [entry(fields)];
    const inVerify = contradictionsOf({ ...rest, plan, verify: { ...verify, workloads } });
    expect(inVerify.map(({ workload }) => workload)).toContain("shop/Deployment/web");
    const inPlan = contradictionsOf({ ...rest, verify, plan: { ...plan, workloads } });
    expect(inPlan.map(({ workload }) => workload)).toContain("shop/Deployment/web");
  });

  test("contradict each other if a restartable workload is not planned, or another one is", () => {
    const { plan, ...others } = agreeing();
    const [none, other] = [[], [{ ...STEP, name: "api" }]].map((steps) =>
      contradictionsOf({ ...others, plan: { ...plan, steps, results: [] } }),
    );
    const missing = {
      workload: "shop/Deployment/web",
      message: "check calls it restartable, but it is not planned",
    };
    expect(none).toEqual([missing]);
    expect(other).toEqual([
      {
        workload: "shop/Deployment/api",
        message: "planned, but check does not call it restartable",
      },
      missing,
    ]);
  });

  test.for(["already-current", "image-rewritten", "target-moved", "api-error"])(
    "contradict each other if the dry run of a planned restart ends with %s",
    (code) => {
      const { plan, ...others } = agreeing();
      const results = [{ ...RESULT, code }];
      expect(contradictionsOf({ ...others, plan: { ...plan, results } })).toHaveLength(1);
    },
  );

  test("contradict their reports by another exit code", () => {
    const { check, verify, plan } = agreeing();
    const wrong = contradictionsOf({
      check: { ...check, exitCode: 0 },
      verify: { ...verify, exitCode: 5 },
      plan: { ...plan, exitCode: 2 },
    });
    expect(wrong.map(({ message }) => message)).toEqual([
      "check exits 0, but its report means 2",
      "verify exits 5, but its report means 2",
      "restart --dry-run exits 2, but its report means 0",
    ]);
  });
});

describe("exit codes by the workloads in a report", () => {
  const UNKNOWN = entry({ verdict: "unknown", restart: "no", target: null });
  const BY_HAND = entry({ restart: "by-hand" });
  const LOST = entry({ verdict: "would-lose", restart: "no" });
  const BLOCKED = entry({ verdict: "blocked", restart: "no" });
  const MISSING = entry({ verdict: "missing" });
  const CURRENT = entry({ verdict: "current", restart: "no" });
  const rows: [name: string, workloads: Entry[], check: ExitCode, plan: ExitCode][] = [
    ["nothing", [], 0, 0],
    ["current", [CURRENT], 0, 0],
    ["pinned", [entry({ verdict: "pinned", restart: "no" })], 0, 0],
    ["managed", [entry({ verdict: "managed", restart: "no" })], 0, 0],
    ["would-lose", [CURRENT, LOST], 5, 0],
    ["blocked", [BLOCKED], 5, 0],
    ["missing", [MISSING], 5, 0],
    ["outdated, by hand", [BY_HAND], 5, 0],
    ["outdated, refused", [entry({ restart: "refused" })], 5, 0],
    ["unknown", [UNKNOWN, LOST, BY_HAND], 6, 6],
    ["outdated", [entry(), UNKNOWN, LOST], 2, 6],
  ];
  test.for(rows)("%s", ([, workloads, check, plan]) => {
    const report = { workloads, gaps: [], results: [] };
    expect([exitCodeOfCheck(report), exitCodeOfVerify(report), exitCodeOfPlan(report)]).toEqual([
      check,
      check,
      plan,
    ]);
  });

  test("a gap is incomplete", () => {
    const report = { workloads: [LOST], gaps: [GAP], results: [] };
    expect([exitCodeOfCheck(report), exitCodeOfPlan(report)]).toEqual([6, 6]);
  });

  const unready: [name: string, fields: Partial<Entry>, code: ExitCode][] = [
    ["a pod is not ready", { running: [{ ...GROUP, ready: 1 }] }, 4],
    ["a pod is absent", { wanted: 3 }, 4],
    ["every pod is absent", { wanted: 3, running: [] }, 0],
    ["AKS owns it", { verdict: "managed", wanted: 3 }, 0],
  ];
  test.for(unready)("verify counts readiness: %s", ([, fields, code]) => {
    const report = { workloads: [{ ...CURRENT, ...fields }], gaps: [], results: [] };
    expect([exitCodeOfCheck(report), exitCodeOfVerify(report)]).toEqual([0, code]);
  });

  test("a dry run that waited until its timeout is unfinished", () => {
    const results = [{ ...RESULT, outcome: "timed-out", code: "still-waiting" } as const];
    expect(exitCodeOfPlan({ workloads: [UNKNOWN], gaps: [], results })).toBe(4);
  });
});

describe("the uses of a revision", () => {
  const USE = { ...STEP, kind: "CronJob", revision: "asm-1-27", by: "templates" } as const;
  const holding = (kind: string, ...names: string[]) => ({
    revisions: [{ revision: "asm-1-27", holders: [{ kind, names }] }],
  });

  test("are all reported", () => {
    expect(missingUses(holding("templates", "shop/cronjob/web"), [USE])).toEqual([]);
    const web = { ...USE, kind: "Deployment" };
    expect(missingUses(holding("templates", "shop/deploy/web"), [web])).toEqual([]);
  });

  test.for<[what: string, report: ReturnType<typeof holding>]>([
    ["the revision is not listed", { revisions: [] }],
    ["another workload uses it", holding("templates", "shop/cronjob/api")],
    ["only its pods use it", holding("pods", "shop/cronjob/web")],
    ["another kind of that name uses it", holding("templates", "shop/job/web")],
  ])("are missing if %s", ([, report]) => {
    expect(missingUses(report, [USE]).map(({ workload }) => workload)).toEqual([
      "shop/CronJob/web",
    ]);
  });
});

describe("a selector", () => {
  const check = { ...checkReport(), workloads: [entry(), entry({ name: "api" })] };
  const select = (...workloads: Entry[]) =>
    selectionErrors(
      check,
      { ...check, workloads },
      new Set(["shop/Deployment/web", "shop/Deployment/outside"]),
    ).map(({ workload }) => workload);

  test("keeps the workloads with the label, as they are", () => {
    expect(select(entry())).toEqual([]);
  });
  test("hides none of them", () => {
    expect(select()).toEqual(["shop/Deployment/web"]);
  });
  test("changes none of them", () => {
    expect(select(entry({ verdict: "unknown" }))).toEqual(["shop/Deployment/web"]);
  });
  test("keeps no others", () => {
    expect(select(entry(), entry({ name: "api" }))).toEqual(["shop/Deployment/api"]);
    expect(select(entry(), entry({ name: "new" }))).toEqual(["shop/Deployment/new"]);
  });
});

test("only a workload that is older than a change may have drift", () => {
  const drift = [{ path: "spec.priorityClassName", what: "application", from: null, to: null }];
  const workloads = [
    entry({ drift: [...drift] as Entry["drift"] }),
    entry({ name: "same", drift: [] }),
    entry({ name: "unknown" }),
  ];
  const check = { ...checkReport(), workloads };
  const names = workloads.map(({ name }) => `shop/Deployment/${name}`);
  expect(driftErrors(check, new Set(names))).toEqual([
    { workload: "shop/Deployment/web", message: "check --drift: spec.priorityClassName" },
  ]);
  expect(driftErrors(check, new Set(["shop/Deployment/same"]))).toEqual([]);
});
