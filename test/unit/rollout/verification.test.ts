import { describe, expect, test } from "vitest";
import type { Assessment } from "../../../src/mesh/assessment.ts";
import type { Mesh } from "../../../src/mesh/mesh.ts";
import { isFailure, type Outcome } from "../../../src/rollout/result.ts";
import { lostElsewhere, verifyResults, withRejections } from "../../../src/rollout/verification.ts";
import type { PodGroup, Workload } from "../../../src/snapshot.ts";
import { assessmentOf, meshOf } from "../../support/build/assessment.ts";
import { bare, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { resultOf, stepFor } from "../../support/build/step.ts";
import { deployment, statefulSet } from "../../support/build/workload.ts";
import { withPrintedSteps } from "../../support/build/next-step.ts";

const TARGET = proxyImage("v1.27.9-6");
const LATE = proxyImage("v1.27.7-1");
const MOVED = proxyImage("v1.27.10-1");

const before = assessmentOf(deployment("web", { pods: [sidecars(3, LATE)] }));
const step = stepFor(before);

interface Fresh {
  /** The pods of the workload now; absent if it is gone. */
  readonly pods?: readonly PodGroup[];
  readonly mesh?: Mesh;
  readonly outcome?: Outcome;
}

function verify({ pods, mesh = meshOf(), outcome = "restarted" }: Fresh, planned = step) {
  const result = resultOf(planned, { outcome });
  const workload = pods && deployment("web", { pods, rollout: { replicas: 3 } });
  const assessments = workload ? [assessmentOf(workload, { mesh })] : [];
  const [verified] = verifyResults([result], [planned], workload ? [workload] : [], assessments);
  return { result, verified };
}

describe("a restart is confirmed", () => {
  test.each<[what: string, fresh: Fresh]>([
    ["if every pod is on target", { pods: [sidecars(3, TARGET)] }],
    ["if it waited and is on target", { pods: [sidecars(3, TARGET)], outcome: "waited" }],
    ["if the workload was deleted afterwards", {}],
    ["if no pod is left, which the verdict reports", { pods: [] }],
  ])("%s", (_what, fresh) => {
    const { result, verified } = verify(fresh);
    expect(withPrintedSteps(verified)).toEqual(result);
  });
});

test("a workload that was not found but is listed was not deleted", () => {
  const result = { ...resultOf(step, { outcome: "skipped" }), code: "gone" };
  const workload = deployment("web", { pods: [sidecars(3, TARGET)], rollout: { replicas: 3 } });
  const verified = (assessments: readonly ReturnType<typeof assessmentOf>[]) =>
    verifyResults([result], [step], [workload], assessments);
  expect(verified([])).toEqual([result]);
  expect(withPrintedSteps(verified([assessmentOf(workload)]))).toMatchObject([
    {
      outcome: "failed",
      code: "not-found",
      message: "a read did not find it, but the list has it",
      nextStep: "istio-upgrade restart deployment/web --namespace shop",
    },
  ]);
});

describe("a restart that completed has failed", () => {
  test("if every sidecar is lost", () => {
    const { verified } = verify({ pods: [bare(3)] });
    expect(withPrintedSteps(verified)).toMatchObject({
      outcome: "failed",
      code: "sidecar-lost",
      message: "3 pods no longer have a sidecar, 0 still with one",
      nextStep: "istio-upgrade explain deployment/web --namespace shop",
    });
  });

  test("if one sidecar is lost although the others are on target", () => {
    const { verified } = verify({ pods: [sidecars(2, TARGET), bare(1)] });
    expect(withPrintedSteps(verified)).toMatchObject({
      outcome: "failed",
      code: "sidecar-lost",
      message: "1 pod no longer has a sidecar, 2 still with one",
    });
  });

  test("if the workload is now outside the mesh, so that no check would list it", () => {
    const workload = deployment("web", { pods: [bare(3)] });
    const [verified] = verifyResults([resultOf(step)], [step], [workload], []);
    expect(withPrintedSteps(verified)).toMatchObject({ outcome: "failed", code: "sidecar-lost" });
  });

  test("if it was not restarted, and has lost its last sidecar", () => {
    const losing = assessmentOf(deployment("web", { pods: [sidecars(1, LATE), bare(2)] }));
    const planned = stepFor(losing);
    const skipped = resultOf(planned, { outcome: "skipped" });
    const verified = (pods: readonly PodGroup[]) =>
      verifyResults([skipped], [planned], [deployment("web", { pods })], []);
    expect(verified([bare(2)])).toMatchObject([{ outcome: "failed", code: "sidecar-lost" }]);
    expect(verified([sidecars(1, LATE), bare(2)])).toEqual([skipped]);
  });

  test("if a pod is still outdated", () => {
    const { verified } = verify({ pods: [sidecars(2, TARGET), sidecars(1, LATE)] });
    expect(withPrintedSteps(verified)).toMatchObject({
      outcome: "failed",
      code: "not-on-target",
      message: `restarted, but 1 pod would get ${TARGET} from configmap/istio-sidecar-injector-asm-1-27`,
      nextStep: "istio-upgrade check --namespace shop",
    });
  });

  test("if it waited for another rollout and a pod is still outdated", () => {
    const { verified } = verify({ pods: [sidecars(3, LATE)], outcome: "waited" });
    expect(withPrintedSteps(verified)).toMatchObject({ outcome: "failed", code: "not-on-target" });
  });
});

test("a target that changed during the run is named, and the restart is not a failure", () => {
  const { verified } = verify({ pods: [sidecars(3, TARGET)], mesh: meshOf("v1.27.10-1") });
  expect(withPrintedSteps(verified)).toMatchObject({
    outcome: "restarted",
    code: "target-moved",
    message: `the target changed to ${MOVED} of asm-1-27 during the run`,
    nextStep: "istio-upgrade restart deployment/web --namespace shop",
  });
});

describe("a changed target does not excuse a restart", () => {
  const moved = meshOf("v1.27.10-1");

  test.each<[what: string, pods: readonly PodGroup[]]>([
    ["if no pod reached its target", [sidecars(3, LATE)]],
    ["if one pod did not reach its target", [sidecars(2, TARGET), sidecars(1, LATE)]],
    [
      "if one pod reached the image, but from another revision",
      [sidecars(2, TARGET), sidecars(1, TARGET, { revision: "asm-1-26" })],
    ],
    [
      "if one pod is on the new target, and the others are outdated",
      [sidecars(1, MOVED), sidecars(2, LATE)],
    ],
  ])("%s", (_what, pods) => {
    const { verified } = verify({ pods, mesh: moved });
    expect(withPrintedSteps(verified)).toMatchObject({ outcome: "failed", code: "not-on-target" });
  });
});

test("pods that a partition keeps on the old template are left to the user", () => {
  const rollout = { partition: 1 };
  const db = statefulSet("db", { pods: [sidecars(3, LATE)], rollout });
  const planned = stepFor(assessmentOf(db));
  const pods = [
    sidecars(1, LATE, { podNames: ["db-0"] }),
    sidecars(2, TARGET, { podNames: ["db-1", "db-2"] }),
  ];
  const fresh = statefulSet("db", { pods, rollout });
  const [verified] = verifyResults([resultOf(planned)], [planned], [fresh], [assessmentOf(fresh)]);
  expect(withPrintedSteps(verified)).toMatchObject({
    outcome: "restarted",
    code: "partition",
    message: "rolled out; partition 1 keeps all outdated pods on the old template",
  });
});

test("a revision that changed while the image stayed the same is named", () => {
  const other = meshOf("v1.27.9-6", "asm-1-28");
  const { verified } = verify({ pods: [sidecars(3, TARGET)], mesh: other });
  expect(withPrintedSteps(verified)).toMatchObject({
    outcome: "restarted",
    code: "target-moved",
    message: `the target changed to ${TARGET} of asm-1-28 during the run`,
  });
});

test("a pod without a revision label reached its target if it has the image", () => {
  const pods = [sidecars(3, TARGET, { revision: undefined })];
  const { verified } = verify({ pods, mesh: meshOf("v1.27.10-1") });
  expect(withPrintedSteps(verified)).toMatchObject({ outcome: "restarted", code: "target-moved" });
});

test("a workload that had no sidecar before cannot lose it", () => {
  const without = assessmentOf(deployment("web", { pods: [bare(3)] }));
  const { result, verified } = verify({ pods: [bare(3)] }, stepFor(without));
  expect(withPrintedSteps(verified)).toEqual(result);
});

test("a workload with the same name and a different uid is ignored", () => {
  const fresh = { ...deployment("web", { pods: [bare(3)] }), uid: "recreated" };
  const result = resultOf(step);
  expect(verifyResults([result], [step], [fresh], [])).toEqual([result]);
});

describe("a workload that was not restarted", () => {
  const outcomes: readonly Outcome[] = ["skipped", "timed-out", "not-started"];

  test.each(outcomes)("has lost its sidecar if its pods have none now: %s", (outcome) => {
    const { verified } = verify({ pods: [sidecars(2, LATE), bare(1)], outcome });
    expect(withPrintedSteps(verified)).toMatchObject({
      outcome: "failed",
      code: "sidecar-lost",
      message: "1 pod no longer has a sidecar, 2 still with one",
    });
  });

  test.each(outcomes)("stays as it is if its pods are still outdated: %s", (outcome) => {
    const { result, verified } = verify({ pods: [sidecars(3, LATE)], outcome });
    expect(withPrintedSteps(verified)).toEqual(result);
  });

  test("has lost nothing if as many pods had no sidecar before", () => {
    const mixed = assessmentOf(deployment("web", { pods: [sidecars(2, LATE), bare(1)] }));
    const pods = [sidecars(2, LATE), bare(1)];
    const { result, verified } = verify({ pods, outcome: "skipped" }, stepFor(mixed));
    expect(withPrintedSteps(verified)).toEqual(result);
  });

  test("keeps the reason of its failure", () => {
    const { result, verified } = verify({ pods: [bare(3)], outcome: "failed" });
    expect(withPrintedSteps(verified)).toEqual(result);
  });
});

describe("a workload that was not planned", () => {
  const now = new Date("2026-11-22T20:10:00Z");
  const lost = (assessed: readonly Assessment[], fresh: readonly Workload[]) =>
    lostElsewhere(assessed, fresh, [resultOf(step)], now);
  const other = (pods: readonly PodGroup[]) => deployment("api", { pods });
  const had = (pods: readonly PodGroup[]) => [before, assessmentOf(other(pods))];

  test("is a failure if it lost its sidecar during the run", () => {
    const found = lost(had([sidecars(2, TARGET)]), [other([sidecars(1, TARGET), bare(1)])]);
    expect(withPrintedSteps(found)).toMatchObject([
      {
        ref: { name: "api" },
        outcome: "failed",
        code: "sidecar-lost",
        message: "1 pod no longer has a sidecar, 1 still with one",
        startedAt: undefined,
      },
    ]);
  });

  test("is a failure if the run began while it was losing its last sidecar", () => {
    const found = lost(had([sidecars(1, TARGET), bare(2)]), [other([bare(2)])]);
    expect(found).toMatchObject([
      { code: "sidecar-lost", message: "2 pods no longer have a sidecar, 0 still with one" },
    ]);
  });

  test.each<[what: string, earlier: readonly PodGroup[], fresh: readonly Workload[]]>([
    ["its sidecars", [sidecars(2, TARGET)], [other([sidecars(2, TARGET)])]],
    [
      "as many pods without a sidecar",
      [sidecars(2, TARGET), bare(1)],
      [other([sidecars(1, TARGET), bare(1)])],
    ],
    ["no pods", [sidecars(1, TARGET), bare(1)], [other([])]],
    ["no sidecar before", [bare(1)], [other([bare(2)])]],
    ["been deleted", [sidecars(2, TARGET)], []],
  ])("is none if it has %s", (_what, earlier, fresh) => {
    expect(lost(had(earlier), fresh)).toEqual([]);
  });

  test("is none if the plan has it", () => {
    expect(lost([before], [deployment("web", { pods: [bare(3)] })])).toEqual([]);
  });
});

test("a rejected restart needs a person", () => {
  const message = "the restart was rejected: no";
  const rejected = resultOf(step, { outcome: "skipped", code: "rejected", message });
  const other = assessmentOf(deployment("api", { pods: [sidecars(2, LATE)] }));
  expect(withRejections([before, other], [rejected])).toMatchObject([
    { restart: { answer: "refused", finding: { code: "rejected", reason: message } } },
    { restart: { answer: "yes" } },
  ]);
});

test.each<[outcome: Outcome, failure: boolean]>([
  ["restarted", false],
  ["waited", false],
  ["skipped", false],
  ["not-started", false],
  ["failed", true],
  ["timed-out", true],
])("the outcome %s counts as a failure: %s", (outcome, failure) => {
  expect(isFailure(outcome)).toBe(failure);
});
