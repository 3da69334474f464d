import { expect, test } from "vitest";
import { unverified } from "../../../../src/commands/restart/record.ts";
import type { ScopeAssessment } from "../../../../src/commands/assess-scope.ts";
import type { StepResult } from "../../../../src/rollout/result.ts";
import { assessmentOf } from "../../../support/build/assessment.ts";
import { proxyImage, sidecars } from "../../../support/build/pod-group.ts";
import { someResult } from "../../../support/build/step.ts";
import { deployment } from "../../../support/build/workload.ts";

/** True if the assessment of `deployment/web` from before the run still counts after the result. */
function isStillKnown(result: Partial<StepResult>): boolean {
  const web = assessmentOf(deployment("web", { pods: [sidecars(3, proxyImage("v1.27.7-1"))] }));
  const before = { workloads: [], assessments: [web], gaps: [] } as unknown as ScopeAssessment;
  const { assessments, gaps } = unverified(
    before,
    [someResult(result)],
    "unreachable",
    "it is gone",
  );
  expect(gaps).toHaveLength(assessments.length === 0 ? 1 : 0);
  return assessments.length === 1;
}

test.each<[outcome: StepResult["outcome"], startedAt: Date | undefined, known: boolean]>([
  ["restarted", new Date(), false],
  ["failed", new Date(), false],
  ["waited", undefined, false],
  ["timed-out", undefined, false],
  ["skipped", undefined, true],
  ["not-started", undefined, true],
])(
  "without a fresh read, %s (started at %s): the earlier assessment counts: %s",
  (outcome, startedAt, known) => {
    expect(isStillKnown({ outcome, startedAt })).toBe(known);
  },
);
