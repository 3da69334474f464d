import { describe, expect, test } from "vitest";
import type { Consent } from "../../../src/mesh/consent.ts";
import { NO_CONSENT } from "../../../src/mesh/consent.ts";
import { endingWithoutRestart, notAsShown } from "../../../src/rollout/without-restart.ts";
import { type DeploymentRollout, RESTARTED_AT } from "../../../src/snapshot.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { deployment } from "../../support/build/workload.ts";

const LATE = {
  type: "Progressing",
  status: "False",
  reason: "ProgressDeadlineExceeded",
  message: "timed out progressing",
};
const [PLANNED, LATER, EARLIER] = [
  "2026-11-22T20:00:00Z",
  "2026-11-22T20:05:00Z",
  "2026-11-22T19:00:00Z",
];

interface Now {
  readonly waited?: boolean;
  readonly rollout?: Partial<DeploymentRollout>;
  readonly version?: string;
  readonly consent?: Consent;
  /** The times of the last restart in the plan and now. */
  readonly restarts?: readonly [planned: string | undefined, now: string | undefined];
}

/** `outcome code` of a planned workload that is on target, unless it has another version. */
function reason({
  waited = false,
  rollout = {},
  version = "v1.27.9-6",
  consent = NO_CONSENT,
  restarts: [planned, now] = [undefined, undefined],
}: Now): string | undefined {
  const pods = [sidecars(2, proxyImage(version))];
  const template = { annotations: now === undefined ? {} : { [RESTARTED_AT]: now } };
  const assessment = assessmentOf(deployment("web", { pods, rollout, template }), {
    policy: consent,
  });
  const ending = endingWithoutRestart({ restartedAt: planned }, assessment, consent, waited);
  return ending && `${ending.outcome} ${ending.code}`;
}

test("a workload that somebody else brought on target is left alone", () => {
  expect(reason({})).toBe("skipped already-current");
  expect(reason({ waited: true })).toBe("waited on-target");
});

test("a rollout that failed or was paused during the wait is no success", () => {
  expect(reason({ waited: true, rollout: { conditions: [LATE] } })).toBe("failed unhealthy");
  expect(reason({ waited: true, rollout: { paused: true } })).toBe("timed-out paused");
});

describe("with --include current", () => {
  const consent = { ...NO_CONSENT, current: true };

  test.each<[what: string, now: Now, ending: string | undefined]>([
    ["never restarted", {}, undefined],
    ["not restarted since the plan", { restarts: [PLANNED, PLANNED] }, undefined],
    ["restarted since", { restarts: [PLANNED, LATER] }, "skipped already-restarted"],
    ["restarted for the first time", { restarts: [undefined, LATER] }, "skipped already-restarted"],
    [
      "restarted by a machine whose clock is slow",
      { restarts: [PLANNED, EARLIER] },
      "skipped already-restarted",
    ],
    [
      "outdated although it was restarted since",
      { restarts: [PLANNED, LATER], version: "v1.27.7-1" },
      undefined,
    ],
  ])("a workload that was %s", (_what, now, ending) => {
    expect(reason({ ...now, consent })).toBe(ending);
  });
});

test.each<[what: string, revision: string, image: string, code: string | undefined]>([
  ["another revision", "asm-1-26", "v1.27.9-6", "revision-changed"],
  ["another image of the same revision", "asm-1-27", "v1.27.8-1", undefined],
  ["the same target", "asm-1-27", "v1.27.9-6", undefined],
])("a plan that showed %s", (_what, revision, version, code) => {
  const assessment = assessmentOf(
    deployment("web", { pods: [sidecars(2, proxyImage("v1.27.7-1"))] }),
  );
  const ending = notAsShown({ to: { revision, image: proxyImage(version) } }, assessment);
  expect(ending?.code).toBe(code);
});
