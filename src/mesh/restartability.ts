import { kubectl, type NextStep, sentence } from "../next-step.ts";
import type { PodGroup, StatefulSetRollout, Workload } from "../snapshot.ts";
import { wantedPods } from "../snapshot.ts";
import { resourceName, rolloutCommand } from "../kubernetes/kinds.ts";
import type { Consent } from "./consent.ts";
import type { Finding } from "./findings.ts";
import { countPods } from "./running-pods.ts";

/** The decision on whether this tool can restart a workload. */
export type Restartability =
  | { readonly answer: "yes" }
  | { readonly answer: "by-hand" | "refused"; readonly finding: Finding }
  /** A restart would change nothing. */
  | { readonly answer: "no"; readonly finding: Finding };

/**
 * Decides whether this tool can restart a workload.
 *
 * @param due the pods that the restart must replace.
 */
export function restartabilityOf(
  workload: Workload,
  due: readonly PodGroup[],
  consent: Consent,
): Restartability {
  const { rollout } = workload;
  if (rollout === undefined) return { answer: "by-hand", finding: byHand(workload) };
  if (wantedPods(rollout) === 0) {
    return {
      answer: "no",
      finding: {
        code: "scaled-to-zero",
        reason: "scaled to zero: its next pods get the current sidecar",
        nextStep:
          workload.pods.length === 0
            ? ""
            : sentence`wait until its pods are gone; if they stay, check whether its controller runs: ${kubectl("describe", resourceName(workload), "-n", workload.namespace)}`,
      },
    };
  }
  const inNamespace = ["-n", workload.namespace];
  if (rollout.kind === "Deployment" && rollout.paused) {
    return refused(
      "paused",
      "the Deployment is paused: a restart would have no effect",
      rolloutCommand("resume", workload),
    );
  }
  if (rollout.kind === "Rollout" && rollout.phase === "Paused") {
    return refused(
      "paused",
      `the Rollout is paused (${rollout.message}): its pods may run two versions`,
      rolloutCommand("resume", workload),
    );
  }
  if (rollout.strategy === "OnDelete") {
    return refused(
      "on-delete",
      "its update strategy is OnDelete: patching the template has no effect",
      sentence`delete its pods one at a time: ${kubectl("delete", "pod", "POD", ...inNamespace)}`,
    );
  }
  if (rollout.kind === "StatefulSet" && isKeptByPartition(rollout, due)) {
    return refused(
      "partition",
      `partition ${rollout.partition} keeps all outdated pods on the old template`,
      kubectl("patch", resourceName(workload), ...inNamespace, "-p", PARTITION_ZERO),
    );
  }
  return consentNeeded(workload, consent) ?? { answer: "yes" };
}

const PARTITION_ZERO = JSON.stringify({
  spec: { updateStrategy: { rollingUpdate: { partition: 0 } } },
});

/** True if a restart would replace none of the pods: those below the partition keep the old template. */
function isKeptByPartition(
  { partition, firstOrdinal, replicas }: StatefulSetRollout,
  due: readonly PodGroup[],
): boolean {
  if (partition === 0) return false;
  if (partition >= replicas) return true;
  // Groups list only ten pod names, but at most `partition` pods can be below the partition.
  if (countPods(due) > partition) return false;
  const ordinals = due.flatMap(({ podNames }) => podNames.map((name) => /\d+$/.exec(name)?.[0]));
  return ordinals.every((ordinal) => Number(ordinal) < firstOrdinal + partition);
}

function consentNeeded(workload: Workload, consent: Consent): Restartability | undefined {
  const { rollout } = workload;
  const failing = failureOf(workload);
  if (failing !== undefined && !consent.unhealthy) {
    return refused(
      "unhealthy-before",
      failing,
      "fix it first, or run restart with --include unhealthy",
    );
  }
  if (consent.downtime) return undefined;
  if (rollout?.kind === "Deployment" && rollout.strategy === "Recreate") {
    return refused(
      "recreate",
      "its strategy Recreate stops every pod before a new pod starts",
      "run restart with --allow-downtime",
    );
  }
  if (rollout?.kind === "Rollout" && rollout.replicas === 1) {
    return refused(
      "single-replica-rollout",
      "a restart evicts the only pod of this Rollout before a new pod exists",
      "run restart with --allow-downtime",
    );
  }
  if (rollout?.kind === "StatefulSet" && rollout.replicas === 1) {
    return refused(
      "single-replica-statefulset",
      "a StatefulSet with one replica is down while its pod restarts",
      "run restart with --allow-downtime",
    );
  }
  return undefined;
}

/** Describes a failure that a workload had before the restart; `undefined` if it has none. */
export function failureOf({ rollout, pods }: Workload): string | undefined {
  if (rollout?.kind === "Rollout" && rollout.phase === "Degraded") {
    return `the Rollout is degraded: ${rollout.message}`;
  }
  const conditions =
    rollout?.kind === "Deployment" || rollout?.kind === "Rollout" ? rollout.conditions : [];
  const progressing = conditions.find(({ type }) => type === "Progressing");
  if (progressing?.reason === "ProgressDeadlineExceeded") {
    return `its last rollout exceeded the progress deadline: ${progressing.message}`;
  }
  const stuck = conditions.find(
    ({ type, status }) => type === "ReplicaFailure" && status === "True",
  );
  if (stuck) return `its pods cannot be created: ${stuck.message}`;
  const trouble = pods.find((group) => group.trouble !== undefined)?.trouble;
  return trouble && `its pod ${trouble.pod} is in ${trouble.reason}`;
}

function byHand({ kind, name, namespace }: Workload): Finding {
  switch (kind) {
    case "Pod":
      return {
        code: "bare-pod",
        reason: "no controller would replace the pod",
        nextStep: sentence`replace it from its manifest: ${kubectl("replace", "--force", "-f", "FILE", "-n", namespace)}`,
      };
    case "Node":
      return {
        code: "static-pod",
        reason: "a static pod belongs to its node's kubelet",
        nextStep: "change its manifest on the node",
      };
    case "Job":
    case "CronJob":
      return {
        code: "job",
        reason: "the pods of a Job cannot be restarted",
        nextStep: "the next run gets the current sidecar",
      };
    case "ReplicaSet":
    case "ReplicationController":
      return {
        code: "no-rollout",
        reason: `a ${kind} without a Deployment has no rollout`,
        nextStep: sentence`delete its pods one at a time: ${kubectl("delete", "pod", "POD", "-n", namespace)}`,
      };
    default:
      return {
        code: "custom-owner",
        reason: `${kind} ${name} is not a kind that istio-upgrade restarts`,
        nextStep: `restart it as the documentation of its controller says`,
      };
  }
}

function refused(code: string, reason: string, nextStep: NextStep): Restartability {
  return { answer: "refused", finding: { code, reason, nextStep } };
}
