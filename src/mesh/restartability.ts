import { type Command, kubectl, type NextStep, oc, type Sentence, sentence } from "../next-step.ts";
import type { PodGroup, StatefulSetRollout, Workload } from "../snapshot.ts";
import { wantedPods } from "../snapshot.ts";
import { resourceName, restartCommand, rolloutCommand } from "../kubernetes/kinds.ts";
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
  if (rollout === undefined) return { answer: "by-hand", finding: byHand(workload, due) };
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
      deleteOneByOne(workload, due),
    );
  }
  if (rollout.kind === "StatefulSet" && isKeptByPartition(rollout, due)) {
    return refused(
      "partition",
      `partition ${rollout.partition} keeps all outdated pods on the old template`,
      kubectl("patch", resourceName(workload), ...inNamespace, "-p", PARTITION_ZERO),
    );
  }
  return consentNeeded(workload, due, consent) ?? { answer: "yes" };
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

function consentNeeded(
  workload: Workload,
  due: readonly PodGroup[],
  consent: Consent,
): Restartability | undefined {
  const failing = failureOf(workload);
  const downtime = downtimeOf(workload);
  const others = [
    ...(due.every(({ image }) => image === undefined) ? ["missing"] : []),
    ...(consent.current ? ["current"] : []),
  ];
  const command = restartWithConsent(workload, others);
  if (failing !== undefined && !consent.unhealthy) {
    return refused(
      "unhealthy-before",
      failing,
      sentence`fix it first, or restart it as it is: ${command}`,
    );
  }
  if (downtime === undefined || consent.downtime) return undefined;
  return refused(downtime.code, downtime.reason, command);
}

/**
 * Returns the command that restarts a workload, with every consent that this needs, including those
 * that the user gave.
 *
 * @param include the values of `--include`, besides `unhealthy`.
 */
export function restartWithConsent(workload: Workload, include: readonly string[]): Command {
  const all = failureOf(workload) === undefined ? include : [...include, "unhealthy"];
  return restartCommand(
    workload,
    ...(all.length > 0 ? ["--include", all.join(",")] : []),
    ...(downtimeOf(workload) === undefined ? [] : ["--allow-downtime"]),
  );
}

/** Explains why no pod serves during a restart; `undefined` if one does. */
function downtimeOf({ rollout }: Workload): Pick<Finding, "code" | "reason"> | undefined {
  if (rollout?.kind === "Deployment" && rollout.strategy === "Recreate") {
    return {
      code: "recreate",
      reason: "its strategy Recreate stops every pod before a new pod starts",
    };
  }
  if (rollout?.kind === "Rollout" && rollout.replicas === 1) {
    return {
      code: "single-replica-rollout",
      reason: "a restart evicts the only pod of this Rollout before a new pod exists",
    };
  }
  if (rollout?.kind === "StatefulSet" && rollout.replicas === 1) {
    return {
      code: "single-replica-statefulset",
      reason: "a StatefulSet with one replica is down while its pod restarts",
    };
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

function byHand(workload: Workload, due: readonly PodGroup[]): Finding {
  const { kind, name, namespace, template } = workload;
  switch (kind) {
    case "Pod":
      return podByHand(workload);
    case "Node":
      return {
        code: "static-pod",
        reason: "a static pod belongs to its node's kubelet",
        nextStep: "change its manifest on the node",
      };
    case "Job":
      return {
        code: "job",
        reason: "the pods of a Job cannot be restarted, and a Job has no next run",
        nextStep: sentence`wait until it is complete; if only its sidecar is left, or to run it again, delete it: ${kubectl("delete", "job", name, "-n", namespace)}`,
      };
    case "CronJob":
      return {
        code: "job",
        reason: "the pods of a CronJob's Job cannot be restarted",
        nextStep: sentence`the next run gets the current sidecar; if only the sidecar of a run is left, delete the Job of that run: ${kubectl("get", "jobs", "-n", namespace)}`,
      };
    case "ReplicationController": {
      const config = template?.labels["deploymentconfig"];
      if (config === undefined) return withoutRollout(workload, due);
      return {
        code: "deployment-config",
        reason: `the DeploymentConfig ${config} rolls it out`,
        nextStep: oc("rollout", "latest", `dc/${config}`, "-n", namespace),
      };
    }
    case "ReplicaSet":
      return withoutRollout(workload, due);
    default:
      return {
        code: "custom-owner",
        reason: `${kind} ${name} is not a kind that istio-upgrade restarts`,
        nextStep: sentence`restart it as the documentation of its controller says, or, if the controller creates deleted pods again, ${deleteOneByOne(workload, due)}`,
      };
  }
}

/** Labels by which operators find the pods that they create without a controller reference. */
const OPERATOR_LABELS = ["spark-role", "app.kubernetes.io/managed-by"];

function podByHand({ name, namespace, labels, pods }: Workload): Finding {
  const others = pods.flatMap(({ podNames }) => podNames).filter((other) => other !== name);
  if (others.length > 0) {
    return {
      code: "pod-owner",
      reason: `the pod ${name} creates the others, and no controller would replace it`,
      nextStep: "end its application, and start it again with the tool that submitted it",
    };
  }
  const label = OPERATOR_LABELS.find((key) => ![undefined, "Helm"].includes(labels[key]));
  if (label !== undefined) {
    return {
      code: "operator-pod",
      reason: `an operator created the pod (label ${label}=${labels[label]})`,
      nextStep: sentence`restart it through its operator, or delete it if the operator creates it again: ${kubectl("delete", "pod", name, "-n", namespace)}`,
    };
  }
  return {
    code: "bare-pod",
    reason: "no controller would replace the pod",
    nextStep: sentence`replace it from its manifest: ${kubectl("replace", "--force", "-f", "FILE", "-n", namespace)}`,
  };
}

function withoutRollout(workload: Workload, due: readonly PodGroup[]): Finding {
  return {
    code: "no-rollout",
    reason: `a ${workload.kind} without a Deployment has no rollout`,
    nextStep: deleteOneByOne(workload, due),
  };
}

/** @param due the pods to delete; the step names the first one. */
function deleteOneByOne({ namespace }: Workload, due: readonly PodGroup[]): Sentence {
  const [pod = "POD"] = due.flatMap(({ podNames }) => podNames);
  return sentence`delete its pods one at a time, waiting for each new pod: ${kubectl("delete", "pod", pod, "-n", namespace)}`;
}

function refused(code: string, reason: string, nextStep: NextStep): Restartability {
  return { answer: "refused", finding: { code, reason, nextStep } };
}
