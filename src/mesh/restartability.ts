import { count, listing } from "../wording.ts";
import {
  type Command,
  istioUpgrade,
  kubectl,
  type NextStep,
  oc,
  type Sentence,
  sentence,
} from "../next-step.ts";
import type { PodGroup, Rollout, StatefulSetRollout, Workload } from "../snapshot.ts";
import { wantedPods } from "../snapshot.ts";
import { resourceName, restartCommand, rolloutCommand } from "../kubernetes/kinds.ts";
import type { Consent } from "./consent.ts";
import type { Drift } from "./drift.ts";
import { beyondSidecar } from "./drifted.ts";
import type { Finding } from "./findings.ts";
import { failureOf, restartBlockedBy, stepOfStuckRollout, stuckRollout } from "./health.ts";
import { isMoved, moveFlags } from "./revision-move.ts";
import { countPods, type Target } from "./running-pods.ts";
import { goesBack, isRejectedByInjector } from "./way-back.ts";

/** The decision on whether this tool can restart a workload. */
export type Restartability =
  | { readonly answer: "yes" }
  | { readonly answer: "by-hand" | "refused"; readonly finding: Finding }
  /** A restart would change nothing. */
  | { readonly answer: "no"; readonly finding: Finding };

/** The consent of the user, and what counts as a failure from before the restart. */
export interface RestartOptions extends Consent {
  /**
   * Milliseconds since the epoch: a pod that is unready since an earlier time fails; absent: an unready
   * pod is no failure.
   */
  readonly unreadyBefore?: number | undefined;
}

/**
 * Refuses a restart that would change more than the sidecar, if the user wants no other change.
 *
 * @param drift `undefined` if it is unknown.
 */
export function withinSidecar(
  restart: Restartability,
  workload: Workload,
  drift: readonly Drift[] | undefined,
  { onlySidecar }: RestartOptions,
): Restartability {
  if (!onlySidecar || restart.answer !== "yes") return restart;
  const explain = istioUpgrade(
    "explain",
    resourceName(workload),
    "--namespace",
    workload.namespace,
  );
  if (drift === undefined) {
    const reason = "its pods could not be compared with new ones (--only-sidecar)";
    return refused("drift-unknown", reason, sentence`see why: ${explain}`);
  }
  const others = beyondSidecar(drift);
  if (others.length === 0) return restart;
  const paths = others.map(({ path }) => path);
  const what = listing(paths.slice(0, MOST_PATHS), paths.length);
  const reason = `a restart would change more than the sidecar (--only-sidecar): ${what}`;
  return refused("more-than-sidecar", reason, sentence`see all changes: ${explain}`);
}

const MOST_PATHS = 3;

/** The code of a workload whose pods are being replaced, and whose new pods cannot run. */
const STUCK_ROLLOUT = "stuck-rollout";

/** True if a workload is not restarted because its present rollout is stuck. */
export function isStuck(restart: Restartability): boolean {
  return restart.answer === "refused" && restart.finding.code === STUCK_ROLLOUT;
}

const UNHEALTHY = "unhealthy-before";

/**
 * Decides whether this tool can restart a workload.
 *
 * @param due the pods that the restart must replace.
 * @param target `undefined` if it is unknown.
 */
export function restartabilityOf(
  workload: Workload,
  due: readonly PodGroup[],
  consent: RestartOptions,
  target?: Target,
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
  return consentNeeded(workload, due, consent, target) ?? { answer: "yes" };
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
  consent: RestartOptions,
  target: Target | undefined,
): Restartability | undefined {
  // The present injector does not reject the pods: the next ones are created.
  const isOver = consent.back && isRejectedByInjector(workload.rollout);
  const failing = isOver ? undefined : failureOf(workload, consent.unreadyBefore);
  // On the way back, the new pods are those without the target.
  const isBack = consent.back && target !== undefined && goesBack(workload.pods, target);
  const stuck = isOver ? undefined : stuckRollout(workload, isBack ? undefined : target);
  const downtime = downtimeOf(workload);
  const others = [
    ...(due.every(({ image }) => image === undefined) ? ["missing"] : []),
    ...(consent.current ? ["current"] : []),
    ...(consent.drifted ? ["drifted"] : []),
  ];
  const healthy = commandWith(workload, others, target);
  const command = restartWithConsent(workload, others, target, consent.unreadyBefore);
  const asItIs = sentence`fix it first, or restart it as it is: ${command}`;
  if (stuck !== undefined) {
    const blocked = restartBlockedBy(workload, stuck, healthy);
    if (stuck.isOnTarget || blocked !== undefined) {
      return refused(STUCK_ROLLOUT, stuck.reason, stepOfStuckRollout(workload, stuck.pod, healthy));
    }
    if (!consent.unhealthy) return refused(STUCK_ROLLOUT, stuck.reason, asItIs);
  }
  if (failing !== undefined) {
    const blocked = restartBlockedBy(workload, failing, healthy);
    if (blocked !== undefined) return refused(UNHEALTHY, blocked.reason, blocked.nextStep);
    if (!consent.unhealthy) return refused(UNHEALTHY, failing.reason, asItIs);
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
export function restartWithConsent(
  workload: Workload,
  include: readonly string[],
  target?: Target,
  unreadyBefore?: number,
): Command {
  const isFailing =
    failureOf(workload, unreadyBefore) !== undefined ||
    stuckRollout(workload, target) !== undefined;
  return commandWith(workload, isFailing ? [...include, "unhealthy"] : include, target);
}

function commandWith(
  workload: Workload,
  include: readonly string[],
  target: Target | undefined,
): Command {
  return restartCommand(
    workload,
    ...(include.length > 0 ? ["--include", include.join(",")] : []),
    ...(downtimeOf(workload) === undefined ? [] : ["--allow-downtime"]),
    ...moveFlags(workload.pods, target),
  );
}

/**
 * Rejects a restart that would move pods to another revision, if the user did not agree to that. A
 * tag that somebody moved must not turn an unattended patch into an upgrade.
 *
 * @returns `undefined` if there is no such move, or the user agreed to it.
 */
export function moveNotAllowed(
  workload: Workload,
  target: Target,
  { revisions, current, unreadyBefore }: RestartOptions,
): Restartability | undefined {
  if (revisions === "asked" || revisions.includes(target.revision)) return undefined;
  const moved = workload.pods.filter((group) => isMoved(group, target));
  if (moved.length === 0) return undefined;
  const from = new Set(moved.map(({ revision }) => revision ?? "a revision that they do not name"));
  return refused(
    "revision-not-allowed",
    `a restart would move ${count(countPods(moved), "pod")} from ${[...from].join(" and ")} to ${target.revision}, and --allow-revision does not name ${target.revision}`,
    restartWithConsent(workload, current ? ["current"] : [], target, unreadyBefore),
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
  return rollout && stopsAllAtOnce(rollout) ? ALL_AT_ONCE : undefined;
}

const ALL_AT_ONCE = {
  code: "all-at-once",
  reason: "its maxUnavailable lets a restart stop all of its pods at the same time",
};

/**
 * True if a rolling update may leave no old pod before a new one is ready. A DaemonSet has one pod on each
 * node, so that one on a single node has no other way.
 */
function stopsAllAtOnce(rollout: Rollout): boolean {
  const wanted = wantedPods(rollout);
  const most = rollout.kind === "Deployment" ? 0 : 1;
  return wanted > most && rollout.unavailable >= wanted;
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
