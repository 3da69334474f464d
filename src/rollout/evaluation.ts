import { count } from "../wording.ts";
import { resourceName, rolloutCommand } from "../kubernetes/kinds.ts";
import { type Command, istioUpgrade, kubectl, sentence } from "../next-step.ts";
import { isGitOpsManager, OWN_MANAGER } from "../mesh/gitops.ts";
import { RESTARTED_AT, wantedPods } from "../snapshot.ts";
import { type Hindrance, hindranceOf } from "./hindrance.ts";
import { type Ending, ended } from "./result.ts";
import type { Patience } from "./stall.ts";
import { isPaused, type RolloutStatus, rolloutStatus } from "./status.ts";
import {
  awaitedOnNodes,
  countReady,
  moreNodes,
  type PodsByAge,
  podsByAge,
  type Restart,
  type RolloutView,
  stillServing,
} from "./view.ts";

/** The state of a rollout at one moment. */
export interface RolloutEvaluation {
  /** The status by kubectl's rules; the number of ready pods is that of the pods themselves. */
  readonly status: RolloutStatus;
  /** The node that a DaemonSet waits for, as the end of a sentence. */
  readonly slowNode: string | undefined;
  /** The ending of the rollout; `undefined` if it has not ended. */
  readonly ending: Ending | undefined;
  /** A problem of the new pods; a failure once its grace period is over. */
  readonly hindrance: Hindrance | undefined;
  /** The uids of the new pods that have failed. */
  readonly failures: readonly string[];
}

/**
 * Evaluates a rollout by kubectl's rules, and its new pods from the first one on. A rollout that
 * completes proves nothing about sidecars, and a rollout that cannot complete should fail before its
 * progress deadline.
 */
export function evaluateRollout(
  view: RolloutView,
  restart: Restart,
  patience?: Pick<Patience, "schedulingTimeout">,
): RolloutEvaluation {
  const pods = podsByAge(view, restart);
  const status = rolloutStatus(view.rollout);
  const hindrance = hindranceOf(view, pods, patience);
  return {
    status: { ...status, ready: Math.min(countReady(pods.newPods), status.wanted) },
    slowNode: status.state === "waiting" ? slowNode(view, pods) : undefined,
    ending:
      wrongSidecar(view, restart, pods) ??
      finalTrouble(hindrance) ??
      endOfRollout(view, restart, status, pods),
    hindrance,
    failures: pods.failed.map(({ uid }) => uid),
  };
}

/** The node that a DaemonSet waits for, as the end of a sentence. */
function slowNode(view: RolloutView, pods: PodsByAge): string | undefined {
  const awaited = awaitedOnNodes(view, pods);
  const [first] = awaited;
  if (first === undefined) return undefined;
  const state = first.terminating ? "is terminating" : "is not ready";
  return `waiting for node ${first.node}, where ${first.name} ${state}${moreNodes(awaited)}`;
}

function wrongSidecar(
  { ref }: RolloutView,
  { target }: Restart,
  { newPods, oldPods }: PodsByAge,
): Ending | undefined {
  const bare = newPods.find(({ image }) => image === undefined);
  if (bare) {
    const left = oldPods.filter(({ image }) => image !== undefined).length;
    const message = `the new pod ${bare.name} has no sidecar; ${count(left, "old pod")} still with one`;
    return ended("failed", "sidecar-lost", message, rolloutCommand("undo", ref));
  }
  const other = newPods.find(({ image }) => image !== target.image);
  if (other === undefined) return undefined;
  const message = `the new pod ${other.name} runs ${other.image}, not ${target.image}`;
  return ended("failed", "other-image", message, checkCommand(ref));
}

/** The ending if a new pod is in trouble that does not resolve itself. */
function finalTrouble(hindrance: Hindrance | undefined): Ending | undefined {
  return hindrance?.grace === 0 ? hinderedEnding(hindrance) : undefined;
}

/** The ending of a rollout whose hindrance has outlasted its grace period. */
export function hinderedEnding({ code, message, nextStep }: Hindrance): Ending {
  return ended("failed", code, message, nextStep);
}

function endOfRollout(
  view: RolloutView,
  restart: Restart,
  { state, message }: RolloutStatus,
  pods: PodsByAge,
): Ending | undefined {
  const { ref, rollout } = view;
  if (state === "waiting" && isPaused(rollout)) {
    const resume = rolloutCommand("resume", ref);
    return ended("timed-out", "paused", "paused during the rollout", resume);
  }
  if (rollout.strategy === "OnDelete") {
    const old = count(pods.oldPods.length, "old pod", ["stays until it is", "stay until they are"]);
    const why = `the update strategy became OnDelete during the rollout: ${old} deleted`;
    const [first] = pods.oldPods;
    const step = first
      ? sentence`delete the old pods one at a time, beginning with: ${kubectl("delete", "pod", first.name, "-n", ref.namespace)}`
      : "";
    return ended("timed-out", "on-delete", why, step);
  }
  if (state === "failed") {
    const why = `${message}; ${stillServing(pods.oldPods)}`;
    const code = rollout.kind === "Rollout" ? "degraded" : "progress-deadline";
    return ended("failed", code, why, rolloutCommand("undo", ref));
  }
  if (state === "waiting" || lacksNewPods(view, pods)) return undefined;
  if (wantedPods(rollout) === 0) {
    const why = "scaled to zero: its next pods get today's injection";
    return ended("restarted", "scaled-to-zero", why);
  }
  return pods.superseded
    ? supersededRollout(view, restart, pods)
    : ended("restarted", "rolled-out", "rolled out");
}

/** True if an Argo Rollout that claims to be healthy still lacks new pods. */
function lacksNewPods(
  { rollout }: RolloutView,
  { newPods, oldPods, superseded }: PodsByAge,
): boolean {
  if (rollout.kind !== "Rollout" || superseded) return false;
  // It is healthy for a moment after its last old pod was evicted.
  return oldPods.length > 0 || countReady(newPods) < rollout.replicas;
}

/** The ending if a change by somebody else rolled out instead: the images of the pods decide. */
function supersededRollout(
  view: RolloutView,
  restart: Restart,
  { newPods, oldPods }: PodsByAge,
): Ending {
  const { ref, rollout } = view;
  const changer = changerOf(view, restart);
  const owner = view.templateManagers?.find(({ name }) => isGitOpsManager(name))?.name;
  const managed = owner === undefined || changer !== undefined ? "" : `, which ${owner} manages`;
  const changed = `${changer ?? "somebody else"} changed the pod template during the rollout${managed}`;
  const heldBack = rollout.kind === "StatefulSet" ? rollout.partition : 0;
  if (oldPods.length <= heldBack) {
    return ended("restarted", "superseded", `rolled out on target, although ${changed}`);
  }
  const image = oldPods[0]?.image;
  const state = image === undefined ? "have no sidecar" : `run ${image}`;
  const why = `${changed}: ${oldPods.length} of ${newPods.length + oldPods.length} pods ${state}`;
  const by = changer ?? owner;
  if (by !== undefined) {
    const step = `if ${by} reverts each restart, restart the workload through it, or let it ignore the annotation ${RESTARTED_AT}; otherwise restart the workload again`;
    return ended("failed", "superseded", why, step);
  }
  const inspect = ["get", resourceName(ref), "-n", ref.namespace, "-o", "yaml"];
  const step = sentence`see who changed it: ${kubectl(...inspect, "--show-managed-fields")}; if a controller reverts each restart, restart the workload through that controller, or exclude it`;
  return ended("failed", "superseded", why, step);
}

/**
 * The field manager that changed the pod template after a restart: the one that owns the new time of
 * a restart, or the last one with a change since; `undefined` if the fields do not say it, because a
 * removed field has no owner.
 */
function changerOf(
  { restartedAt, templateManagers = [] }: RolloutView,
  restart: Restart,
): string | undefined {
  const later = templateManagers.filter(
    ({ name, changedAt }) => changedAt >= restart.restartedAt && name !== OWN_MANAGER,
  );
  const owner = restartedAt === undefined ? undefined : later.find(({ restarted }) => restarted);
  const last = later.toSorted((a, b) => (a.changedAt < b.changedAt ? -1 : 1)).at(-1);
  return (owner ?? last)?.name;
}

function checkCommand({ namespace }: RolloutView["ref"]): Command {
  return istioUpgrade("check", "--namespace", namespace);
}
