import { resourceName } from "../kubernetes/kinds.ts";
import { type Command, kubectl, type NextStep, sentence } from "../next-step.ts";
import {
  type Condition,
  type PodTrouble,
  type Rollout,
  UNSCHEDULABLE,
  wantedPods,
  type Workload,
} from "../snapshot.ts";
import { hasFreedRoom, isReplacing } from "./ongoing-rollout.ts";
import { hasTarget, type Target } from "./running-pods.ts";

/** A failure of a workload from before a restart. */
export interface Failure {
  readonly reason: string;
  /** The pod that fails; `undefined` if the failure is not about one pod. */
  readonly pod: string | undefined;
}

/**
 * Finds a failure that a workload had before the restart. Pods that are being replaced are no failure:
 * their rollout is waited for.
 *
 * @param unreadyBefore milliseconds since the epoch: a pod that is unready since an earlier time fails.
 */
export function failureOf(
  { rollout, pods }: Pick<Workload, "rollout" | "pods">,
  unreadyBefore = -Infinity,
): Failure | undefined {
  const about = (reason: string, pod?: string): Failure => ({ reason, pod });
  if (rollout?.kind === "Rollout" && rollout.phase === "Degraded") {
    return about(`the Rollout is degraded: ${rollout.message}`);
  }
  const trouble = pods.map((group) => group.trouble).find(isLasting);
  const late = conditionsOf(rollout).find(
    ({ type, reason }) => type === "Progressing" && reason === "ProgressDeadlineExceeded",
  );
  if (late) {
    const words = trouble === undefined ? "" : `; its pod ${troubleText(trouble)}`;
    return about(
      `its last rollout exceeded the progress deadline: ${late.message}${words}`,
      trouble?.pod,
    );
  }
  if (rollout !== undefined && isReplacing(rollout)) return undefined;
  const refused = refusedCreation(rollout);
  if (refused !== undefined) return about(`its pods cannot be created: ${refused}`);
  if (trouble !== undefined && trouble.reason !== UNSCHEDULABLE) {
    return about(`its pod ${trouble.pod} is in ${trouble.reason}`, trouble.pod);
  }
  const unready = pods
    .flatMap((group) => group.unready ?? [])
    .find(({ since }) => since !== undefined && Date.parse(since) < unreadyBefore);
  if (unready === undefined) return undefined;
  const words =
    trouble?.pod === unready.pod
      ? troubleText(trouble)
      : `${unready.pod} has not been ready since ${unready.since}`;
  return about(`its pod ${words}`, unready.pod);
}

/**
 * Finds the reason why an unfinished rollout is stuck, if one read shows it. Pods that are ending may
 * still make room, so the rollout is not stuck until they are gone.
 *
 * @param target the pods with another sidecar are old, unless no pod has this one.
 */
export function stuckRollout(workload: Workload, target: Target | undefined): Stuck | undefined {
  const { rollout, pods, terminating } = workload;
  if (rollout === undefined || !isReplacing(rollout)) return undefined;
  const reached = pods.filter((group) => target !== undefined && hasTarget(group, target));
  const isOnTarget = reached.length > 0;
  const trouble = (isOnTarget ? reached : pods).map((group) => group.trouble).find(isLasting);
  if (trouble !== undefined && (trouble.outlook === "final" || terminating === 0)) {
    const reason = `stuck in a rollout: its pod ${troubleText(trouble)}`;
    return { reason, pod: trouble.pod, isOnTarget };
  }
  const refused = refusedCreation(rollout);
  if (refused === undefined || terminating > 0 || hasFreedRoom(rollout)) return undefined;
  const reason = `stuck in a rollout: its new pods cannot be created: ${refused}`;
  return { reason, pod: undefined, isOnTarget: true };
}

/** The reason why a rollout does not continue. */
export interface Stuck extends Failure {
  /** True if another restart would create the same pods again. */
  readonly isOnTarget: boolean;
}

/**
 * Returns the next step for a rollout that is stuck.
 *
 * @param restart the command that restarts the workload.
 */
export function stepOfStuckRollout(
  workload: Workload,
  pod: string | undefined,
  restart: Command,
): NextStep {
  const { namespace, rollout } = workload;
  if (pod === undefined) return kubectl("describe", resourceName(workload), "-n", namespace);
  return rollout?.kind === "StatefulSet" && rollout.ordered
    ? deletePod(workload, pod, restart)
    : kubectl("describe", "pod", pod, "-n", namespace);
}

/**
 * Explains why a restart replaces no pod while one of them fails; `undefined` if it replaces some.
 * Sources: k8s.io/kubernetes `pkg/controller/statefulset/stateful_set_control.go`, updateStatefulSet,
 * which returns at the first unavailable pod of an OrderedReady set; argoproj/argo-rollouts
 * `rollout/restart.go`, which evicts no pod while `maxUnavailable` pods are unavailable.
 */
export function restartBlockedBy(
  workload: Workload,
  { reason, pod }: Failure,
  restart: Command,
): { readonly reason: string; readonly nextStep: NextStep } | undefined {
  const { rollout } = workload;
  if (pod === undefined) return undefined;
  const nextStep = deletePod(workload, pod, restart);
  if (rollout?.kind === "StatefulSet" && rollout.ordered) {
    return {
      reason: `${reason}, and an OrderedReady StatefulSet replaces no pod until it is ready`,
      nextStep,
    };
  }
  if (rollout?.kind !== "Rollout") return undefined;
  return rollout.replicas - rollout.status.available < rollout.unavailable
    ? undefined
    : { reason: `${reason}, and Argo Rollouts restarts no pod until it is ready`, nextStep };
}

/** A pod that is created again gets the current sidecar, so deleting it is a restart of that pod. */
function deletePod({ namespace, rollout }: Workload, pod: string, restart: Command): NextStep {
  const remove = kubectl("delete", "pod", pod, "-n", namespace);
  return rollout !== undefined && wantedPods(rollout) === 1
    ? remove
    : sentence`delete that pod, so that it is created again: ${remove}; then restart the others: ${restart}`;
}

/** A workload counts as failing if the trouble of a pod is more than a stumble at its start. */
function isLasting(trouble: PodTrouble | undefined): trouble is PodTrouble {
  return trouble !== undefined && trouble.outlook !== "passing";
}

function troubleText({ pod, reason, message }: PodTrouble): string {
  return reason === UNSCHEDULABLE
    ? `${pod} cannot be scheduled: ${message}`
    : `${pod} is in ${[reason, message].filter(Boolean).join(": ")}`;
}

/** The API server's reason why pods cannot be created, as the condition of a workload has it. */
export function refusedCreation(rollout: Rollout | undefined): string | undefined {
  return conditionsOf(rollout).find(
    ({ type, status }) => type === "ReplicaFailure" && status === "True",
  )?.message;
}

function conditionsOf(rollout: Rollout | undefined): readonly Condition[] {
  return rollout?.kind === "Deployment" || rollout?.kind === "Rollout" ? rollout.conditions : [];
}
