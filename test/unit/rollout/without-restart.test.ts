import { expect, test } from "vitest";
import { NO_CONSENT } from "../../../src/mesh/consent.ts";
import { endingWithoutRestart } from "../../../src/rollout/without-restart.ts";
import type { DeploymentRollout } from "../../../src/snapshot.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { deployment } from "../../support/build/workload.ts";

const LATE = {
  type: "Progressing",
  status: "False",
  reason: "ProgressDeadlineExceeded",
  message: "timed out progressing",
};

/** `outcome code` of what is on target, whose rollout was waited for or not. */
function reason(waited: boolean, rollout: Partial<DeploymentRollout> = {}): string | undefined {
  const pods = [sidecars(2, proxyImage("v1.27.9-6"))];
  const ending = endingWithoutRestart(
    assessmentOf(deployment("web", { pods, rollout })),
    NO_CONSENT,
    waited,
  );
  return ending && `${ending.outcome} ${ending.code}`;
}

test("a workload that somebody else brought on target is left alone", () => {
  expect(reason(false)).toBe("skipped already-current");
  expect(reason(true)).toBe("waited on-target");
});

test("a rollout that failed or was paused during the wait is no success", () => {
  expect(reason(true, { conditions: [LATE] })).toBe("failed unhealthy");
  expect(reason(true, { paused: true })).toBe("timed-out paused");
});
