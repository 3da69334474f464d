import { describe, expect, test } from "vitest";
import {
  type Consent,
  NO_CONSENT,
  type Restartability,
  restartabilityOf,
} from "../../../src/mesh/restartability.ts";
import type { Condition, PodGroup, Workload } from "../../../src/snapshot.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import {
  argoRollout,
  daemonSet,
  deployment,
  otherWorkload,
  statefulSet,
} from "../../support/build/workload.ts";

const IMAGE = proxyImage("v1.27.7-1");
const ONE = [sidecars(1, IMAGE)];
const THREE = [sidecars(3, IMAGE)];

const DEADLINE: Condition = {
  type: "Progressing",
  status: "False",
  reason: "ProgressDeadlineExceeded",
  message: 'ReplicaSet "web-1" has timed out progressing.',
};
const CRASHING = [
  sidecars(1, IMAGE, {
    ready: 0,
    trouble: { pod: "pod-0", reason: "CrashLoopBackOff", message: "back-off" },
  }),
];

/** Judged as where every one of its pods lags, unless told otherwise. */
function judge(
  workload: Workload,
  consent: Consent = NO_CONSENT,
  late: readonly PodGroup[] = workload.pods,
): Restartability {
  return restartabilityOf(workload, late, consent);
}

/** The answer, and the code where there is a finding. */
function outcome(answer: Restartability): string {
  return "finding" in answer ? `${answer.answer} ${answer.finding.code}` : answer.answer;
}

describe("without any consent", () => {
  test.each<[what: string, workload: Workload, result: string]>([
    ["a Deployment", deployment("web", { pods: THREE }), "yes"],
    ["a Deployment of one", deployment("web", { pods: ONE }), "yes"],
    ["a StatefulSet of three", statefulSet("db", { pods: THREE }), "yes"],
    ["a DaemonSet", daemonSet("agent", { pods: THREE }), "yes"],
    ["a DaemonSet of one node", daemonSet("agent", { pods: ONE }), "yes"],
    [
      "a Deployment scaled to zero",
      deployment("web", { rollout: { replicas: 0 } }),
      "no scaled-to-zero",
    ],
    ["a DaemonSet that no node wants", daemonSet("agent"), "no scaled-to-zero"],
    [
      "a paused Deployment",
      deployment("web", { pods: THREE, rollout: { paused: true } }),
      "refused paused",
    ],
    [
      "a paused Deployment of none",
      deployment("web", { rollout: { paused: true } }),
      "no scaled-to-zero",
    ],
    [
      "a Deployment that recreates",
      deployment("web", { pods: THREE, rollout: { strategy: "Recreate" } }),
      "refused recreate",
    ],
    [
      "a StatefulSet with OnDelete",
      statefulSet("db", { pods: THREE, rollout: { strategy: "OnDelete" } }),
      "refused on-delete",
    ],
    [
      "a DaemonSet with OnDelete",
      daemonSet("agent", { pods: THREE, rollout: { strategy: "OnDelete" } }),
      "refused on-delete",
    ],
    [
      "a StatefulSet of one",
      statefulSet("db", { pods: ONE }),
      "refused single-replica-statefulset",
    ],
    [
      "a StatefulSet whose partition keeps all",
      statefulSet("db", { pods: THREE, rollout: { partition: 3 } }),
      "refused partition",
    ],
    [
      "a StatefulSet whose partition is beyond all",
      statefulSet("db", { pods: THREE, rollout: { partition: 9 } }),
      "refused partition",
    ],
    [
      "a StatefulSet whose partition lets one roll",
      statefulSet("db", { pods: THREE, rollout: { partition: 2 } }),
      "yes",
    ],
    [
      "a Deployment past its progress deadline",
      deployment("web", { pods: THREE, rollout: { conditions: [DEADLINE] } }),
      "refused unhealthy-before",
    ],
    [
      "a Deployment whose deadline is in another condition",
      deployment("web", {
        pods: THREE,
        rollout: { conditions: [{ ...DEADLINE, type: "ReplicaFailure" }] },
      }),
      "yes",
    ],
    [
      "a Deployment whose pods cannot be created",
      deployment("web", {
        pods: THREE,
        rollout: { conditions: [{ ...DEADLINE, type: "ReplicaFailure", status: "True" }] },
      }),
      "refused unhealthy-before",
    ],
    [
      "a crash-looping Deployment",
      deployment("web", { pods: CRASHING }),
      "refused unhealthy-before",
    ],
    ["an Argo Rollout", argoRollout("web", { pods: THREE }), "yes"],
    ["an Argo Rollout of one", argoRollout("web", { pods: ONE }), "refused single-replica-rollout"],
    [
      "a paused Argo Rollout",
      argoRollout("web", { pods: THREE, rollout: { phase: "Paused", message: "CanaryPauseStep" } }),
      "refused paused",
    ],
    [
      "an aborted Argo Rollout",
      argoRollout("web", { pods: THREE, rollout: { phase: "Degraded", message: "aborted" } }),
      "refused unhealthy-before",
    ],
    [
      "a crash-looping DaemonSet",
      daemonSet("agent", { pods: CRASHING }),
      "refused unhealthy-before",
    ],
    [
      "pods that are not ready yet",
      deployment("web", { pods: [sidecars(2, IMAGE, { ready: 0 })] }),
      "yes",
    ],
  ])("%s", (_what, workload, result) => {
    expect(outcome(judge(workload))).toBe(result);
  });
});

describe("a partition holds the pods below it on the old template", () => {
  const OTHER = proxyImage("v1.27.9-6");
  const numbered = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, index) => `db-${from + index}`);
  const group = (image: string, from: number, to: number) =>
    sidecars(to - from, image, { podNames: numbered(from, to).slice(0, 10) });

  test.each<
    [what: string, partition: number, late: PodGroup, rest: readonly PodGroup[], result: string]
  >([
    ["the only late pod lies below", 2, group(IMAGE, 0, 1), [group(OTHER, 1, 3)], "refused"],
    ["every late pod lies below", 2, group(IMAGE, 0, 2), [group(OTHER, 2, 3)], "refused"],
    ["the late pod is the first above", 2, group(IMAGE, 2, 3), [group(OTHER, 0, 2)], "yes"],
    ["one late pod of two lies above", 2, group(IMAGE, 1, 3), [group(OTHER, 0, 1)], "yes"],
    ["there is none", 0, group(IMAGE, 0, 1), [group(OTHER, 1, 3)], "yes"],
    ["ordinals are numbers, not text", 10, group(IMAGE, 9, 10), [group(OTHER, 0, 9)], "refused"],
    ["they are, above it too", 9, group(IMAGE, 10, 11), [group(OTHER, 0, 10)], "yes"],
    // Ten names are kept: more late pods than lie below it cannot all lie below it.
    ["more are late than lie below", 11, group(IMAGE, 0, 12), [], "yes"],
    ["all that lie below are late", 12, group(IMAGE, 0, 12), [group(OTHER, 12, 14)], "refused"],
  ])("%s", (_what, partition, late, rest, result) => {
    const db = statefulSet("db", { pods: [late, ...rest], rollout: { partition } });
    const answer = judge(db, NO_CONSENT, [late]);
    expect(outcome(answer)).toBe(result === "yes" ? "yes" : `${result} partition`);
  });

  test("and says so of those that lag, with the command that lifts it", () => {
    const late = group(IMAGE, 0, 1);
    const db = statefulSet("db", { pods: [late, group(OTHER, 1, 3)], rollout: { partition: 1 } });
    expect(judge(db, NO_CONSENT, [late])).toMatchObject({
      answer: "refused",
      finding: {
        code: "partition",
        reason: "its partition 1 keeps every pod that lags on the old template",
      },
    });
  });

  test("a pod whose name has no ordinal is not taken for one below it", () => {
    const late = sidecars(1, IMAGE, { podNames: ["db-x"] });
    const db = statefulSet("db", { pods: [late, group(OTHER, 1, 3)], rollout: { partition: 2 } });
    expect(outcome(judge(db, NO_CONSENT, [late]))).toBe("yes");
  });
});

describe("what has no rollout is restarted by hand", () => {
  test.each([
    ["Pod", "bare-pod"],
    ["Node", "static-pod"],
    ["Job", "job"],
    ["CronJob", "job"],
    ["ReplicaSet", "no-rollout"],
    ["ReplicationController", "no-rollout"],
    ["CloneSet", "custom-owner"],
  ])("%s: %s", (kind, code) => {
    const answer = judge(otherWorkload(kind, "web", { pods: ONE }));
    expect(outcome(answer)).toBe(`by-hand ${code}`);
    expect(answer).toHaveProperty("finding.reason", expect.stringMatching(/\w/));
    expect(answer).toHaveProperty("finding.nextStep", expect.stringMatching(/\w/));
  });

  test("consent changes nothing about it", () => {
    const all: Consent = { missing: true, current: true, unhealthy: true, downtime: true };
    const pod = otherWorkload("Pod", "web", { pods: ONE });
    expect(judge(pod, all)).toEqual(judge(pod));
  });
});

describe("consent", () => {
  const recreate = deployment("web", { pods: THREE, rollout: { strategy: "Recreate" } });
  const single = statefulSet("db", { pods: ONE });
  const failing = deployment("web", { pods: CRASHING });
  const failingSingle = statefulSet("db", { pods: CRASHING });
  const paused = deployment("web", { pods: THREE, rollout: { paused: true } });
  const onDelete = daemonSet("agent", { pods: THREE, rollout: { strategy: "OnDelete" } });
  const kept = statefulSet("db", { pods: THREE, rollout: { partition: 3 } });

  test.each<[given: Partial<Consent>, what: string, workload: Workload, result: string]>([
    [{ downtime: true }, "Recreate", recreate, "yes"],
    [{ downtime: true }, "a StatefulSet of one", single, "yes"],
    [{ unhealthy: true }, "Recreate", recreate, "refused recreate"],
    [{ current: true }, "a StatefulSet of one", single, "refused single-replica-statefulset"],
    [{ unhealthy: true }, "what was failing", failing, "yes"],
    [{ downtime: true }, "what was failing", failing, "refused unhealthy-before"],
    [
      { unhealthy: true },
      "what was failing, of one",
      failingSingle,
      "refused single-replica-statefulset",
    ],
    [{ downtime: true }, "what was failing, of one", failingSingle, "refused unhealthy-before"],
    [{ downtime: true, unhealthy: true }, "what was failing, of one", failingSingle, "yes"],
    [{ downtime: true, unhealthy: true }, "a paused Deployment", paused, "refused paused"],
    [{ downtime: true, unhealthy: true }, "OnDelete", onDelete, "refused on-delete"],
    [{ downtime: true, unhealthy: true }, "a partition that keeps all", kept, "refused partition"],
  ])("%j for %s", (given, _what, workload, result) => {
    expect(outcome(judge(workload, { ...NO_CONSENT, ...given }))).toBe(result);
  });
});

describe("a refusal says what to type", () => {
  test.each<[what: string, workload: Workload, nextStep: string]>([
    [
      "a paused Deployment",
      deployment("web", { pods: THREE, rollout: { paused: true } }),
      "kubectl rollout resume deployment/web -n shop",
    ],
    [
      "a partition that keeps all",
      statefulSet("db", { pods: THREE, rollout: { partition: 3 } }),
      `kubectl patch statefulset/db -n shop -p '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}'`,
    ],
    [
      "a StatefulSet of one",
      statefulSet("db", { pods: ONE }),
      "add --allow-downtime to restart it",
    ],
    [
      "what was failing",
      deployment("web", { pods: CRASHING }),
      "mend it first, or add --include unhealthy",
    ],
  ])("%s", (_what, workload, nextStep) => {
    expect(judge(workload)).toHaveProperty("finding.nextStep", nextStep);
  });

  test("and what was failing before, in the cluster's words", () => {
    const late = deployment("web", { pods: THREE, rollout: { conditions: [DEADLINE] } });
    expect(judge(late)).toHaveProperty(
      "finding.reason",
      `its last rollout exceeded the progress deadline: ${DEADLINE.message}`,
    );
    expect(judge(deployment("web", { pods: CRASHING }))).toHaveProperty(
      "finding.reason",
      "its pod pod-0 is in CrashLoopBackOff",
    );
  });
});
