import { expect, test } from "vitest";
import { endOfWait } from "../../../src/rollout/incomplete.ts";
import type { DeploymentRollout, PodTrouble } from "../../../src/snapshot.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { deployment } from "../../support/build/workload.ts";

const AT = "2026-11-26T20:00:00Z";
const COMING = { status: { replicas: 2, updated: 2, available: 1 } };
const DEADLINE = {
  type: "Progressing",
  status: "False",
  reason: "ProgressDeadlineExceeded",
  message: "timed out progressing",
};
const TROUBLE = { pod: "web-1", reason: "CrashLoopBackOff", message: "back-off" };

test.each<
  [what: string, rollout: Partial<DeploymentRollout>, trouble: PodTrouble | undefined, end: string]
>([
  ["rolls", COMING, undefined, "goes on"],
  ["is through", {}, undefined, `waited rolled-out: it was restarted at ${AT}, and rolled out`],
  [
    "is paused",
    { ...COMING, paused: true },
    undefined,
    `timed-out paused: it was restarted at ${AT}, and is paused`,
  ],
  [
    "has a pod that fails",
    COMING,
    TROUBLE,
    `timed-out unhealthy: it was restarted at ${AT}, and its pod web-1 is in CrashLoopBackOff`,
  ],
  [
    "is past its deadline",
    { ...COMING, conditions: [DEADLINE] },
    undefined,
    `timed-out unhealthy: it was restarted at ${AT}, and its last rollout exceeded the progress deadline: timed out progressing`,
  ],
])("what was restarted before, and %s", (_what, rollout, trouble, end) => {
  const pods = [{ ...sidecars(2, proxyImage("v1.27.9-6")), trouble }];
  const ending = endOfWait(deployment("web", { pods, rollout }), AT);
  expect(ending ? `${ending.outcome} ${ending.code}: ${ending.message}` : "goes on").toBe(end);
});
