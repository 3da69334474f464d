import { describe, expect, test } from "vitest";
import type { Assessment } from "../../../src/mesh/assessment.ts";
import { gapEntry, workloadEntry } from "../../../src/report/entries.ts";
import { verificationState } from "../../../src/report/verification-state.ts";
import { FAIL_ONS, type FailOn } from "../../../src/settings.ts";
import type { Gap } from "../../../src/snapshot.ts";
import { aged, assessmentOf } from "../../support/build/assessment.ts";
import { formatStep } from "../../support/build/next-step.ts";
import { bare, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { deployment, otherWorkload, statefulSet } from "../../support/build/workload.ts";

const TARGET = proxyImage("v1.27.9-6");
const LATE = proxyImage("v1.27.7-1");

const current = assessmentOf(deployment("api", { pods: [sidecars(2, TARGET)] }));
const unready = assessmentOf(deployment("slow", { pods: [sidecars(3, TARGET, { ready: 1 })] }));
const rolling = assessmentOf(
  deployment("web", { pods: [sidecars(2, TARGET, { ready: 1 }), sidecars(1, LATE)] }),
);
const late = assessmentOf(deployment("late", { pods: [sidecars(3, LATE)] }));
const missing = assessmentOf(deployment("old", { pods: [bare(1)] }));
const single = assessmentOf(statefulSet("db", { pods: [sidecars(1, LATE)] }));
const pod = assessmentOf(otherWorkload("Pod", "alone", { pods: [sidecars(1, LATE)] }));
const job = assessmentOf(otherWorkload("Job", "import", { pods: [sidecars(1, LATE)] }));
const lost = assessmentOf(deployment("lost", { pods: [sidecars(3, TARGET)] }), {
  labels: { rev: "asm-1-26" },
});

function gap(reason: Gap["reason"]): Gap {
  return { verb: "list", resource: "pods", namespace: "pay", reason, message: "", hint: "" };
}

const young = aged(assessmentOf(deployment("young", { pods: [sidecars(3, LATE)] })), {
  atLeast: 60,
  atMost: 60,
});

function stateOf(
  assessments: readonly Assessment[],
  gaps: readonly Gap[] = [],
  failOn: readonly FailOn[] = FAIL_ONS,
) {
  return verificationState(
    assessments.map((found) => workloadEntry(found, formatStep)),
    gaps.map((found) => gapEntry(found, formatStep)),
    failOn,
  );
}

describe("verify --wait says", () => {
  test.each<[what: string, assessments: readonly Assessment[], message: string]>([
    ["that all is ready", [current], "1 of 1 workload ready"],
    [
      "which workload is not ready",
      [current, unready],
      "1 of 2 workloads ready, shop/deploy/slow 1/3",
    ],
    [
      "how many pods are ready and on target",
      [rolling],
      "0 of 1 workload ready, shop/deploy/web 1/3",
    ],
    [
      "a workload that may change before one that needs a person",
      [single, unready],
      "0 of 2 workloads ready, shop/deploy/slow 1/3",
    ],
  ])("%s", (_what, assessments, message) => {
    expect(stateOf(assessments).message).toBe(message);
  });

  test("that something could not be read", () => {
    expect(stateOf([current], [gap("unreachable")]).message).toBe("1 of 1 workload ready, 1 gap");
  });
});

describe("verify --wait", () => {
  test.each<[waits: boolean, what: string, assessment: Assessment]>([
    [true, "pods that are not ready", unready],
    [true, "a rollout", rolling],
    [true, "an outdated workload that somebody may restart", late],
    [true, "a workload without a sidecar that somebody may restart", missing],
    [true, "the end of a Job", job],
    [false, "a restart with downtime", single],
    [false, "a bare pod", pod],
    [false, "a workload that would lose its sidecar", lost],
  ])("waits (%s) for %s", (waits, _what, assessment) => {
    expect(stateOf([current, assessment]).mayChange).toBe(waits);
  });

  test.each<[waits: boolean, reason: Gap["reason"]]>([
    [true, "unreachable"],
    [false, "forbidden"],
    [false, "unauthorized"],
  ])("waits (%s) if a read failed: %s", (waits, reason) => {
    expect(stateOf([current], [gap(reason)]).mayChange).toBe(waits);
  });

  test("does not wait for findings that do not count", () => {
    expect(stateOf([unready], [], ["outdated"])).toMatchObject({ ready: 1, wanted: 1 });
  });
});

test("a workload that --max-age keeps from the exit code is not waited for", () => {
  const entries = [workloadEntry(young, formatStep, 60), workloadEntry(current, formatStep, 60)];
  expect(verificationState(entries, [], FAIL_ONS)).toMatchObject({ ready: 2, wanted: 2 });
  const older = workloadEntry(young, formatStep, 59);
  expect(verificationState([older], [], FAIL_ONS)).toMatchObject({ ready: 0, wanted: 1 });
});
