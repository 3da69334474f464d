import { describe, expect, test } from "vitest";
import type { RestartReport } from "../../../src/report/document.ts";
import type { StepResult } from "../../../src/rollout/result.ts";
import type { CreatedWorkload } from "../../chaos/created-workload.ts";
import type { Evidence, ObservedRestart, RunEvidence } from "../../chaos/evidence.ts";
import { findingsOf } from "../../chaos/findings.ts";
import type { ObservedWorkload } from "../../chaos/observed-workload.ts";
import type { RunPlan } from "../../chaos/world.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { sidecars } from "../../support/build/pod-group.ts";
import { restartReport } from "../../support/build/report.ts";
import { deployment } from "../../support/build/workload.ts";

const [OLD, NEW] = ["proxyv2:v1.95.1", "proxyv2:v1.95.2"];
const [BEGUN, PATCHED, DONE, ENDED] = [0, 2000, 8000, 9000].map(
  (after) => Date.parse("2026-11-22T20:00:00Z") + after,
) as [number, number, number, number];
const REVISION = "asm-1-95";
const WEB = { namespace: "shop", name: "web" };
const RESTARTED_AT = "2026-11-22T20:00:02Z";

const CREATED: CreatedWorkload = { ...WEB, spec: { kind: "Deployment", replicas: 1 } };
const PLAN: RunPlan = { delay: 0, maxParallel: 1, restarts: [] };

const RESULT: StepResult = {
  ref: { ...WEB, kind: "Deployment", uid: "uid" },
  from: [{ image: OLD, revision: REVISION, pods: 1 }],
  to: { image: NEW, revision: REVISION },
  outcome: "restarted",
  code: "rolled-out",
  message: "rolled out",
  nextStep: "",
  startedAt: new Date(PATCHED),
  finishedAt: new Date(DONE),
};

const RESTART: ObservedRestart = {
  ...WEB,
  number: 1,
  time: PATCHED,
  uid: "uid",
  resourceVersion: "7",
  restartedAt: RESTARTED_AT,
  fate: "arrives",
  status: 200,
  next: { image: NEW, revision: REVISION, rejection: undefined },
  revisions: [REVISION],
};

const POD = { name: "web-1", ready: true, image: NEW, revision: REVISION };

const AFTER: ObservedWorkload = {
  ...WEB,
  kind: "Deployment",
  uid: "uid",
  labels: { wave: "one" },
  resourceVersion: "9",
  wanted: 1,
  pods: [POD],
  next: { image: NEW, revision: REVISION, rejection: undefined },
};

const REPORT = restartReport([RESULT]);

function runOf(fields: Partial<RunEvidence> = {}, report: RestartReport = REPORT): RunEvidence {
  const text = JSON.stringify(report);
  const counts = "outdated=0 would-lose=0 blocked=0 missing=0 unknown=0";
  return {
    plan: PLAN,
    begun: BEGUN,
    ended: ENDED,
    status: report.exitCode,
    stdout: text,
    stderr: `RESULT exit=${report.exitCode} cluster=test ${counts}\n`,
    file: text,
    hurried: undefined,
    restarts: [RESTART],
    lost: 0,
    injected: ["uid"],
    after: [AFTER],
    ...fields,
  };
}

function findings(run: RunEvidence, more: Partial<Evidence> = {}): readonly string[] {
  return findingsOf({
    world: { namespaces: [], runs: [PLAN], changes: [] },
    workloads: [CREATED],
    changes: [],
    runs: [run],
    ...more,
  });
}

test("a run that did its work has no findings", () => {
  expect(findings(runOf())).toEqual([]);
});

describe("a finding about exit code 0", () => {
  test.for<[string, ObservedWorkload, string]>([
    [
      "a pod with the old image",
      { ...AFTER, pods: [{ ...POD, image: OLD }] },
      `run 1: exit 0, but shop/web: web-1 has ${OLD}, a new pod ${NEW}`,
    ],
    [
      "a pod of another revision",
      { ...AFTER, pods: [{ ...POD, revision: "asm-1-96" }] },
      `run 1: exit 0, but shop/web: web-1 has ${NEW}, a new pod ${NEW}`,
    ],
    [
      "a pod that would lose its sidecar",
      { ...AFTER, next: { image: undefined, revision: undefined, rejection: undefined } },
      `run 1: exit 0, but shop/web: web-1 has ${NEW}, a new pod none`,
    ],
    [
      "a pod that lost its sidecar",
      { ...AFTER, pods: [POD, { ...POD, image: undefined, revision: undefined }] },
      "run 1: exit 0, but shop/web: 1 pods lost their sidecars",
    ],
    [
      "a pod that is not ready",
      { ...AFTER, pods: [{ ...POD, ready: false }] },
      "run 1: exit 0, but shop/web: 1 pods are not ready",
    ],
    [
      "new pods that are rejected",
      { ...AFTER, next: { image: undefined, revision: undefined, rejection: "no" } },
      "run 1: exit 0, but shop/web: new pods are rejected: no",
    ],
  ])("names %s", ([, after, finding]) => {
    expect(findings(runOf({ after: [after] }))).toEqual([finding]);
  });

  test("does not name a workload that others changed during the last read", () => {
    const after = [{ ...AFTER, pods: [{ ...POD, image: OLD }] }];
    const made = { kind: "deploy", ...WEB, begun: DONE, ended: DONE + 1 } as const;
    expect(findings(runOf({ after }), { changes: [made] })).toEqual([]);
    const early = { ...made, begun: DONE - 9, ended: DONE - 1 };
    expect(findings(runOf({ after }), { changes: [early] })).toHaveLength(1);
    const elsewhere = { ...made, name: "other" };
    expect(findings(runOf({ after }), { changes: [elsewhere] })).toHaveLength(1);
  });

  test("does not name an unready pod of a workload that the run did not roll out", () => {
    const after = [{ ...AFTER, pods: [{ ...POD, ready: false }] }];
    const report = restartReport([{ ...RESULT, outcome: "skipped", startedAt: undefined }]);
    expect(findings(runOf({ after, restarts: [] }, report))).toEqual([]);
  });

  test("is also one about the verdict current", () => {
    const after = [{ ...AFTER, pods: [{ ...POD, image: OLD }] }];
    const web = deployment("web", { namespace: "shop", pods: [sidecars(1, NEW)] });
    const assessments = [{ ...assessmentOf(web), verdict: "current" as const }];
    const report = restartReport([RESULT], { assessments, exitCode: 4 });
    expect(findings(runOf({ after }, report))).toEqual([
      `run 1: current, but shop/web: web-1 has ${OLD}, a new pod ${NEW}`,
    ]);
    const interrupted = restartReport([RESULT], { assessments, exitCode: 130 });
    expect(findings(runOf({ after }, interrupted))).toEqual([]);
  });

  test("does not name a workload outside the selector", () => {
    const after = [{ ...AFTER, labels: { wave: "two" }, pods: [{ ...POD, image: OLD }] }];
    expect(findings(runOf({ after, plan: { ...PLAN, bySelector: true } }))).toEqual([]);
    expect(findings(runOf({ after }))).toHaveLength(1);
  });
});

describe("a finding about restarts", () => {
  const LATER = { ...RESTART, time: PATCHED + 3000, restartedAt: "2026-11-22T20:00:05Z" };

  test("names a workload that one run restarted twice", () => {
    expect(findings(runOf({ restarts: [RESTART, LATER] }))).toEqual([
      `run 1: shop/web was restarted twice, at last with ${LATER.restartedAt}`,
    ]);
  });

  test("does not name a restart that was repeated, rejected or lost", () => {
    const repeated = { ...RESTART, fate: "unanswered" } as const;
    const rejected = { ...LATER, status: 409 };
    const lost = { ...LATER, fate: "unsent", status: undefined } as const;
    expect(findings(runOf({ restarts: [repeated, RESTART, rejected, lost] }))).toEqual([]);
  });

  test("names a workload that both runs restarted, unless its target moved in between", () => {
    const second = runOf({ restarts: [LATER] });
    const runs = [runOf(), second];
    expect(findings(second, { runs })).toEqual(["both runs restarted shop/web"]);
    const moved = { kind: "move-image", begun: PATCHED + 1, ended: PATCHED + 2 } as const;
    expect(findings(second, { runs, changes: [moved] })).toEqual([]);
    const undone = { kind: "undo", ...WEB, begun: PATCHED + 1, ended: PATCHED + 2 } as const;
    expect(findings(second, { runs, changes: [undone] })).toEqual([]);
    const deployed = { kind: "deploy", ...WEB, begun: PATCHED + 1, ended: PATCHED + 2 } as const;
    expect(findings(second, { runs, changes: [deployed] })).toHaveLength(1);
  });

  test.for<[string, ObservedRestart["next"], string]>([
    [
      "a restart that takes the sidecar away",
      { image: undefined, revision: undefined, rejection: undefined },
      "run 1: shop/web was restarted, but would lose its sidecar",
    ],
    [
      "a restart whose pods are rejected",
      { image: undefined, revision: undefined, rejection: "no" },
      "run 1: shop/web was restarted, but new pods are rejected: no",
    ],
    [
      "a move that nobody allowed",
      { image: NEW, revision: "asm-1-96", rejection: undefined },
      "run 1: shop/web was moved to asm-1-96, which nobody allowed",
    ],
  ])("names %s, unless its namespace changed just before", ([, next, finding]) => {
    const run = runOf({ restarts: [{ ...RESTART, next }] });
    expect(findings(run)).toEqual([finding]);
    const left = { kind: "leave-mesh", namespace: WEB.namespace } as const;
    const before = { ...left, begun: PATCHED - 20, ended: PATCHED - 10 };
    expect(findings(run, { changes: [before] })).toEqual([]);
    const long = { ...left, begun: PATCHED - 5000, ended: PATCHED - 4000 };
    expect(findings(run, { changes: [long] })).toEqual([finding]);
  });

  test("does not name a move that was allowed", () => {
    const next = { image: NEW, revision: "asm-1-96", rejection: undefined };
    const plan = { ...PLAN, allowRevision: "asm-1-96" } as const;
    expect(findings(runOf({ plan, restarts: [{ ...RESTART, next }] }))).toEqual([]);
  });
});

describe("a finding about time", () => {
  // 20 s, 2 × 15 s, and 4 pods of 3 s, twice in the sum and the longest.
  test("names a run over its bound", () => {
    const [most, seconds] = [104, 1000];
    expect(findings(runOf({ ended: BEGUN + most * seconds }))).toEqual([]);
    expect(findings(runOf({ ended: BEGUN + (most + 1) * seconds }))).toEqual([
      "run 1: took 105.0 s, but 104.0 s at most",
    ]);
  });

  test("names a run that reports late after a signal", () => {
    expect(findings(runOf({ hurried: ENDED - 10_000 }))).toEqual([]);
    expect(findings(runOf({ hurried: ENDED - 10_100 }))).toEqual([
      "run 1: ended 10.1 s after the last signal",
    ]);
  });
});

describe("a finding about the record", () => {
  const KILLED = { plan: { ...PLAN, signal: { name: "SIGKILL", at: 1 } }, status: null } as const;
  const INTERIM = { ...REPORT, exitCode: 4, results: [] } as const;

  test.for<[string, RunEvidence, readonly string[]]>([
    ["no file", runOf({ file: undefined }), ["run 1: no report file"]],
    ["half a file", runOf({ file: "{" }), ["run 1: the report file has no document"]],
    [
      "a file that lacks a restart",
      runOf({}, { ...REPORT, results: [], exitCode: 4 }),
      ["run 1: the record lacks the restart of shop/web"],
    ],
    [
      "a file with a restart that was not sent",
      runOf({ restarts: [{ ...RESTART, status: undefined }] }),
      ["run 1: the record has a restart of shop/web that was not sent"],
    ],
    [
      "a file that differs from stdout",
      runOf({ file: JSON.stringify({ ...REPORT, user: "john" }) }),
      ["run 1: stdout and the report file differ"],
    ],
    [
      "an invalid file",
      runOf({ stdout: "", file: JSON.stringify({ ...INTERIM, plan: "none" }), ...KILLED }),
      [expect.stringMatching("^run 1: the report file is invalid: .*/plan") as string],
    ],
    [
      "a killed run that looks like a success",
      runOf({ stdout: "", file: JSON.stringify({ ...INTERIM, exitCode: 0 }), ...KILLED }),
      ["run 1: the record of an unfinished run has exit code 0"],
    ],
    [
      "nothing if a killed run left its plan",
      runOf({ stdout: "", file: JSON.stringify(INTERIM), ...KILLED }),
      [],
    ],
  ])("names %s", ([, run, expected]) => {
    expect(findings(run)).toEqual(expected);
  });

  test("does not name a restart by the other run in the same second", () => {
    const lost = runOf({ restarts: [{ ...RESTART, fate: "unsent", status: undefined }] });
    const other = runOf({}, { ...REPORT });
    expect(findings(lost, { runs: [lost, other] })).toEqual([]);
  });
});

describe("a finding about the output", () => {
  test.for<[string, RunEvidence, readonly string[]]>([
    [
      "another exit code than that of the document",
      runOf({ status: 4 }),
      [
        "run 1: exits 4, but prints 0",
        expect.stringMatching("^run 1: exits 4, but RESULT exit=0") as string,
      ],
    ],
    [
      "another count than that of the document",
      runOf({
        stderr: "RESULT exit=0 cluster=test outdated=1 would-lose=0 blocked=0 missing=0 unknown=0",
      }),
      [expect.stringMatching("^run 1: 0 outdated, but RESULT") as string],
    ],
    [
      "more than one document",
      runOf({ stdout: `${JSON.stringify(REPORT)}\n${JSON.stringify(REPORT)}` }),
      [expect.stringMatching("^run 1: stdout has no document") as string],
    ],
    [
      "an unexpected error",
      runOf({}, restartReport([{ ...RESULT, code: "unexpected-error", message: "oh" }])),
      ["run 1: shop/web: oh"],
    ],
    [
      "a stack",
      runOf({ stderr: `${runOf().stderr}Error\n    at main` }),
      [expect.stringMatching("^run 1: stderr has a stack") as string],
    ],
    [
      "a process that ended by a signal that nobody sent",
      runOf({ status: null, stdout: "", file: JSON.stringify({ ...REPORT, exitCode: 4 }) }),
      ["run 1: a signal that nobody sent ended the process"],
    ],
  ])("names %s", ([, run, expected]) => {
    expect(findings(run)).toEqual(expected);
  });
});
