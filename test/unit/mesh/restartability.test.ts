import { describe, expect, test } from "vitest";
import { type Consent, NO_CONSENT } from "../../../src/mesh/consent.ts";
import { type Restartability, restartabilityOf } from "../../../src/mesh/restartability.ts";
import type { Condition, PodGroup, Workload } from "../../../src/snapshot.ts";
import { bare, crashing, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import {
  argoRollout,
  daemonSet,
  deployment,
  otherWorkload,
  statefulSet,
} from "../../support/build/workload.ts";
import { formatStep, withPrintedSteps } from "../../support/build/next-step.ts";

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
    trouble: crashing("pod-0"),
  }),
];

/** @param due the pods to restart; by default all of them. */
function answerFor(
  workload: Workload,
  consent: Consent = NO_CONSENT,
  due: readonly PodGroup[] = workload.pods,
): Restartability {
  return restartabilityOf(workload, due, consent);
}

/** The answer, with the code of the finding if there is one. */
function outcome(answer: Restartability): string {
  return "finding" in answer ? `${answer.answer} ${answer.finding.code}` : answer.answer;
}

test("a workload that is scaled to zero has no next step unless pods are left", () => {
  const nextStep = (workload: Workload) => {
    const answer = restartabilityOf(workload, workload.pods, NO_CONSENT);
    return "finding" in answer ? formatStep(answer.finding.nextStep) : undefined;
  };
  expect(nextStep(deployment("web"))).toBe("");
  expect(nextStep(deployment("web", { pods: ONE, rollout: { replicas: 0 } }))).toBe(
    "wait until its pods are gone; if they stay, check whether its controller runs: kubectl describe deployment/web -n shop",
  );
});

describe("the answer without consent for", () => {
  test.each<[what: string, workload: Workload, result: string]>([
    ["a Deployment", deployment("web", { pods: THREE }), "yes"],
    ["a Deployment with one replica", deployment("web", { pods: ONE }), "yes"],
    ["a StatefulSet with three replicas", statefulSet("db", { pods: THREE }), "yes"],
    ["a DaemonSet", daemonSet("agent", { pods: THREE }), "yes"],
    ["a DaemonSet on one node", daemonSet("agent", { pods: ONE }), "yes"],
    [
      "a Deployment scaled to zero",
      deployment("web", { rollout: { replicas: 0 } }),
      "no scaled-to-zero",
    ],
    ["a DaemonSet without nodes", daemonSet("agent"), "no scaled-to-zero"],
    [
      "a paused Deployment",
      deployment("web", { pods: THREE, rollout: { paused: true } }),
      "refused paused",
    ],
    [
      "a paused Deployment scaled to zero",
      deployment("web", { rollout: { paused: true } }),
      "no scaled-to-zero",
    ],
    [
      "a Deployment with the strategy Recreate",
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
      "a StatefulSet with one replica",
      statefulSet("db", { pods: ONE }),
      "refused single-replica-statefulset",
    ],
    [
      "a StatefulSet whose partition covers all pods",
      statefulSet("db", { pods: THREE, rollout: { partition: 3 } }),
      "refused partition",
    ],
    [
      "a StatefulSet whose partition is larger than its replicas",
      statefulSet("db", { pods: THREE, rollout: { partition: 9 } }),
      "refused partition",
    ],
    [
      "a StatefulSet whose partition leaves one pod",
      statefulSet("db", { pods: THREE, rollout: { partition: 2 } }),
      "yes",
    ],
    [
      "a Deployment past its progress deadline",
      deployment("web", { pods: THREE, rollout: { conditions: [DEADLINE] } }),
      "refused unhealthy-before",
    ],
    [
      "a Deployment with the same reason in another condition",
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
    [
      "a Deployment that may stop all of its pods at once",
      deployment("web", { pods: THREE, rollout: { surge: 1, unavailable: 3 } }),
      "refused all-at-once",
    ],
    [
      "a Deployment that keeps one pod",
      deployment("web", { pods: THREE, rollout: { surge: 0, unavailable: 2 } }),
      "yes",
    ],
    [
      "a Deployment with one replica and no surge",
      deployment("web", { pods: ONE, rollout: { surge: 0, unavailable: 1 } }),
      "refused all-at-once",
    ],
    [
      "a Deployment with one replica that starts its new pod first",
      deployment("web", { pods: ONE, rollout: { surge: 1, unavailable: 0 } }),
      "yes",
    ],
    [
      "a StatefulSet that may stop all of its pods at once",
      statefulSet("db", { pods: THREE, rollout: { unavailable: 3 } }),
      "refused all-at-once",
    ],
    [
      "a DaemonSet that may stop all of its pods at once",
      daemonSet("agent", { pods: THREE, rollout: { unavailable: 3 } }),
      "refused all-at-once",
    ],
    [
      "a DaemonSet that takes one node at a time",
      daemonSet("agent", { pods: THREE, rollout: { unavailable: 1 } }),
      "yes",
    ],
    [
      "a DaemonSet on one node",
      daemonSet("agent", { pods: ONE, rollout: { unavailable: 1 } }),
      "yes",
    ],
    [
      "an Argo Rollout that may evict all of its pods at once",
      argoRollout("web", { pods: THREE, rollout: { unavailable: 3 } }),
      "refused all-at-once",
    ],
    [
      "an Argo Rollout with one replica",
      argoRollout("web", { pods: ONE }),
      "refused single-replica-rollout",
    ],
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
    expect(outcome(answerFor(workload))).toBe(result);
  });
});

describe("a partition keeps the pods below it on the old template:", () => {
  const OTHER = proxyImage("v1.27.9-6");
  const numbered = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, index) => `db-${from + index}`);
  const group = (image: string, from: number, to: number) =>
    sidecars(to - from, image, { podNames: numbered(from, to).slice(0, 10) });

  test.each<
    [what: string, partition: number, due: PodGroup, rest: readonly PodGroup[], result: string]
  >([
    [
      "the only pod to restart is below the partition",
      2,
      group(IMAGE, 0, 1),
      [group(OTHER, 1, 3)],
      "refused",
    ],
    [
      "every pod to restart is below the partition",
      2,
      group(IMAGE, 0, 2),
      [group(OTHER, 2, 3)],
      "refused",
    ],
    [
      "the pod to restart is the first above the partition",
      2,
      group(IMAGE, 2, 3),
      [group(OTHER, 0, 2)],
      "yes",
    ],
    [
      "one of two pods to restart is above the partition",
      2,
      group(IMAGE, 1, 3),
      [group(OTHER, 0, 1)],
      "yes",
    ],
    ["there is no partition", 0, group(IMAGE, 0, 1), [group(OTHER, 1, 3)], "yes"],
    [
      "ordinals below the partition are compared as numbers",
      10,
      group(IMAGE, 9, 10),
      [group(OTHER, 0, 9)],
      "refused",
    ],
    [
      "ordinals above the partition are compared as numbers",
      9,
      group(IMAGE, 10, 11),
      [group(OTHER, 0, 10)],
      "yes",
    ],
    // A group keeps ten names only. More pods than the partition cannot all be below it.
    ["more pods are to restart than are below the partition", 11, group(IMAGE, 0, 12), [], "yes"],
    [
      "exactly the pods below the partition are to restart",
      12,
      group(IMAGE, 0, 12),
      [group(OTHER, 12, 14)],
      "refused",
    ],
  ])("%s", (_what, partition, due, rest, result) => {
    const db = statefulSet("db", { pods: [due, ...rest], rollout: { partition } });
    const answer = answerFor(db, NO_CONSENT, [due]);
    expect(outcome(answer)).toBe(result === "yes" ? "yes" : `${result} partition`);
  });

  test("the reason names the partition", () => {
    const due = group(IMAGE, 0, 1);
    const db = statefulSet("db", { pods: [due, group(OTHER, 1, 3)], rollout: { partition: 1 } });
    expect(answerFor(db, NO_CONSENT, [due])).toMatchObject({
      answer: "refused",
      finding: {
        code: "partition",
        reason: "partition 1 keeps all outdated pods on the old template",
      },
    });
  });

  test("a pod without an ordinal in its name is not below the partition", () => {
    const due = sidecars(1, IMAGE, { podNames: ["db-x"] });
    const db = statefulSet("db", { pods: [due, group(OTHER, 1, 3)], rollout: { partition: 2 } });
    expect(outcome(answerFor(db, NO_CONSENT, [due]))).toBe("yes");
  });
});

describe("a workload without a rollout is restarted by hand:", () => {
  const one = (name: string) => ({
    pods: [sidecars(1, proxyImage("v1.27.7-1"), { podNames: [name] })],
  });
  const DELETE =
    "delete its pods one at a time, waiting for each new pod: kubectl delete pod web-x -n shop";

  test.each<[what: string, workload: Workload, code: string, nextStep: string]>([
    [
      "a pod without a controller",
      otherWorkload("Pod", "web", one("web")),
      "bare-pod",
      "replace it from its manifest: kubectl replace --force -f FILE -n shop",
    ],
    [
      "a pod that creates pods",
      otherWorkload("Pod", "driver", one("executor-1")),
      "pod-owner",
      "end its application, and start it again with the tool that submitted it",
    ],
    [
      "a pod of Spark without a controller",
      otherWorkload("Pod", "web", { ...one("web"), labels: { "spark-role": "driver" } }),
      "operator-pod",
      "restart it through its operator, or delete it if the operator creates it again: kubectl delete pod web -n shop",
    ],
    [
      "a pod of an operator",
      otherWorkload("Pod", "web", {
        ...one("web"),
        labels: { "app.kubernetes.io/managed-by": "db-operator" },
      }),
      "operator-pod",
      "restart it through its operator, or delete it if the operator creates it again: kubectl delete pod web -n shop",
    ],
    [
      "a pod of a Helm release",
      otherWorkload("Pod", "web", {
        ...one("web"),
        labels: { "app.kubernetes.io/managed-by": "Helm" },
      }),
      "bare-pod",
      "replace it from its manifest: kubectl replace --force -f FILE -n shop",
    ],
    [
      "a static pod",
      otherWorkload("Node", "node-1", one("web-x")),
      "static-pod",
      "change its manifest on the node",
    ],
    [
      "a Job",
      otherWorkload("Job", "web", one("web-x")),
      "job",
      "wait until it is complete; if only its sidecar is left, or to run it again, delete it: kubectl delete job web -n shop",
    ],
    [
      "a CronJob",
      otherWorkload("CronJob", "web", one("web-x")),
      "job",
      "the next run gets the current sidecar; if only the sidecar of a run is left, delete the Job of that run: kubectl get jobs -n shop",
    ],
    ["a ReplicaSet", otherWorkload("ReplicaSet", "web", one("web-x")), "no-rollout", DELETE],
    [
      "a ReplicationController",
      otherWorkload("ReplicationController", "web", one("web-x")),
      "no-rollout",
      DELETE,
    ],
    [
      "a ReplicationController of a DeploymentConfig",
      otherWorkload("ReplicationController", "web-3", {
        ...one("web-x"),
        template: { labels: { deploymentconfig: "web" } },
      }),
      "deployment-config",
      "oc rollout latest dc/web -n shop",
    ],
    [
      "a custom resource",
      otherWorkload("CloneSet", "web", one("web-x")),
      "custom-owner",
      `restart it as the documentation of its controller says, or, if the controller creates deleted pods again, ${DELETE}`,
    ],
  ])("%s", (_what, workload, code, nextStep) => {
    const answer = answerFor(workload);
    expect(outcome(answer)).toBe(`by-hand ${code}`);
    expect(answer).toHaveProperty("finding.reason", expect.stringMatching(/\w/));
    expect(withPrintedSteps(answer)).toHaveProperty("finding.nextStep", nextStep);
  });

  test("consent makes no difference", () => {
    const all: Consent = {
      missing: true,
      current: true,
      drifted: true,
      unhealthy: true,
      downtime: true,
      revisions: "asked",
      onlySidecar: false,
      back: false,
    };
    const pod = otherWorkload("Pod", "web", { pods: ONE });
    expect(answerFor(pod, all)).toEqual(answerFor(pod));
  });
});

describe("consent", () => {
  const recreate = deployment("web", { pods: THREE, rollout: { strategy: "Recreate" } });
  const single = statefulSet("db", { pods: ONE });
  const failing = deployment("web", { pods: CRASHING });
  const failingSingle = statefulSet("db", { pods: CRASHING, rollout: { ordered: false } });
  const paused = deployment("web", { pods: THREE, rollout: { paused: true } });
  const onDelete = daemonSet("agent", { pods: THREE, rollout: { strategy: "OnDelete" } });
  const kept = statefulSet("db", { pods: THREE, rollout: { partition: 3 } });

  test.each<[given: Partial<Consent>, what: string, workload: Workload, result: string]>([
    [{ downtime: true }, "Recreate", recreate, "yes"],
    [{ downtime: true }, "a StatefulSet with one replica", single, "yes"],
    [{ unhealthy: true }, "Recreate", recreate, "refused recreate"],
    [
      { current: true },
      "a StatefulSet with one replica",
      single,
      "refused single-replica-statefulset",
    ],
    [{ unhealthy: true }, "a failing Deployment", failing, "yes"],
    [{ downtime: true }, "a failing Deployment", failing, "refused unhealthy-before"],
    [
      { unhealthy: true },
      "a failing Parallel StatefulSet with one replica",
      failingSingle,
      "refused single-replica-statefulset",
    ],
    [
      { downtime: true },
      "a failing Parallel StatefulSet with one replica",
      failingSingle,
      "refused unhealthy-before",
    ],
    [
      { downtime: true, unhealthy: true },
      "a failing Parallel StatefulSet with one replica",
      failingSingle,
      "yes",
    ],
    [
      { downtime: true, unhealthy: true },
      "a failing OrderedReady StatefulSet",
      statefulSet("db", { pods: CRASHING }),
      "refused unhealthy-before",
    ],
    [{ downtime: true, unhealthy: true }, "a paused Deployment", paused, "refused paused"],
    [{ downtime: true, unhealthy: true }, "OnDelete", onDelete, "refused on-delete"],
    [
      { downtime: true, unhealthy: true },
      "a partition that covers all pods",
      kept,
      "refused partition",
    ],
  ])("%j for %s", (given, _what, workload, result) => {
    expect(outcome(answerFor(workload, { ...NO_CONSENT, ...given }))).toBe(result);
  });
});

describe("the next step after a refusal of", () => {
  test.each<[what: string, workload: Workload, nextStep: string]>([
    [
      "a paused Deployment",
      deployment("web", { pods: THREE, rollout: { paused: true } }),
      "kubectl rollout resume deployment/web -n shop",
    ],
    [
      "a partition that covers all pods",
      statefulSet("db", { pods: THREE, rollout: { partition: 3 } }),
      `kubectl patch statefulset/db -n shop -p '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}'`,
    ],
    [
      "a StatefulSet with one replica",
      statefulSet("db", { pods: ONE }),
      "istio-upgrade restart statefulset/db --namespace shop --allow-downtime",
    ],
    [
      "a failing Parallel StatefulSet with one replica and without a sidecar",
      statefulSet("db", {
        pods: [{ ...bare(1), trouble: crashing("db-0") }],
        rollout: { ordered: false },
      }),
      "fix it first, or restart it as it is: istio-upgrade restart statefulset/db --namespace shop --include missing,unhealthy --allow-downtime",
    ],
    [
      "a failing Deployment",
      deployment("web", { pods: CRASHING }),
      "fix it first, or restart it as it is: istio-upgrade restart deployment/web --namespace shop --include unhealthy",
    ],
  ])("%s", (_what, workload, nextStep) => {
    expect(withPrintedSteps(answerFor(workload))).toHaveProperty("finding.nextStep", nextStep);
  });

  test("the reason quotes the failure as the cluster reports it", () => {
    const overdue = deployment("web", { pods: THREE, rollout: { conditions: [DEADLINE] } });
    expect(answerFor(overdue)).toHaveProperty(
      "finding.reason",
      `its last rollout exceeded the progress deadline: ${DEADLINE.message}`,
    );
    expect(answerFor(deployment("web", { pods: CRASHING }))).toHaveProperty(
      "finding.reason",
      "its pod pod-0 is in CrashLoopBackOff",
    );
  });
});
