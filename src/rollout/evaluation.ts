import { count } from "../wording.ts";
import { resourceName, rolloutCommand } from "../kubernetes/kinds.ts";
import { type Command, istioUpgrade, kubectl, sentence } from "../next-step.ts";
import { wantedPods } from "../snapshot.ts";
import { type Hindrance, hindranceOf } from "./hindrance.ts";
import { type Ending, ended } from "./result.ts";
import { isPaused, type RolloutStatus, rolloutStatus } from "./status.ts";
import { type PodsByAge, podsByAge, type Restart, type RolloutView, stillServing } from "./view.ts";

/** The state of a rollout at one moment. */
export interface RolloutEvaluation {
  /** The status by kubectl's rules; its message names the node that a DaemonSet waits for. */
  readonly status: RolloutStatus;
  /** The ending of the rollout; `undefined` if it has not ended. */
  readonly ending: Ending | undefined;
  /** A problem that may resolve itself; a failure once its grace period is over. */
  readonly hindrance: Hindrance | undefined;
  /** A text that differs from the previous one if the rollout made progress. */
  readonly progress: string;
}

/**
 * Evaluates a rollout by kubectl's rules, and its new pods from the first one on. A rollout that
 * completes proves nothing about sidecars, and a rollout that cannot complete should fail before its
 * progress deadline.
 */
export function evaluateRollout(view: RolloutView, restart: Restart): RolloutEvaluation {
  const pods = podsByAge(view, restart);
  const status = rolloutStatus(view.rollout);
  const node = status.state === "waiting" ? slowNode(view, pods) : undefined;
  const message = node === undefined ? status.message : `${status.message}; ${node}`;
  return {
    status: { ...status, message, ...readyPods(view, pods) },
    ending:
      wrongSidecar(view, restart, pods) ??
      failedPod(view, pods) ??
      endOfRollout(view, status, pods),
    hindrance: hindranceOf(view, pods),
    progress: JSON.stringify([status, pods.newPods.length, view.pods.length]),
  };
}

/**
 * The node that a DaemonSet waits for, as the end of a sentence: its new pod is not ready, or its
 * old pod is still terminating. For other kinds a node says no more than the pods do.
 */
function slowNode({ rollout, pods }: RolloutView, { newPods }: PodsByAge): string | undefined {
  if (rollout.kind !== "DaemonSet") return undefined;
  const unready = newPods.filter((pod) => !pod.ready && pod.node !== undefined);
  const terminating = pods.filter((pod) => pod.terminating && pod.node !== undefined);
  const [first] = [...unready, ...terminating];
  if (first === undefined) return undefined;
  const others = new Set([...unready, ...terminating].map(({ node }) => node)).size - 1;
  const more = others === 0 ? "" : `, and for ${count(others, "more node")}`;
  const state = first.terminating ? "is terminating" : "is not ready";
  return `waiting for node ${first.node}, where ${first.name} ${state}${more}`;
}

/** An Argo Rollout keeps its template, so its status does not count new pods: the pods do. */
function readyPods({ rollout }: RolloutView, { newPods }: PodsByAge) {
  return rollout.kind === "Rollout" ? { ready: newPods.filter(({ ready }) => ready).length } : {};
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

function failedPod({ ref }: RolloutView, { newPods, oldPods }: PodsByAge): Ending | undefined {
  const trouble = newPods.find((pod) => pod.trouble !== undefined)?.trouble;
  if (trouble === undefined) return undefined;
  const message = `the new pod ${trouble.pod} is in ${trouble.reason}: ${trouble.message}; ${stillServing(oldPods)}`;
  const inspect = kubectl("describe", "pod", trouble.pod, "-n", ref.namespace);
  return ended("failed", "pod-failed", message, inspect);
}

function endOfRollout(
  view: RolloutView,
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
    const remove = kubectl("delete", "pod", "...", "-n", ref.namespace);
    return ended("timed-out", "on-delete", why, remove);
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
    ? supersededRollout(view, pods)
    : ended("restarted", "rolled-out", "rolled out");
}

/** True if an Argo Rollout that claims to be healthy still lacks new pods. */
function lacksNewPods(
  { rollout }: RolloutView,
  { newPods, oldPods, superseded }: PodsByAge,
): boolean {
  if (rollout.kind !== "Rollout" || superseded) return false;
  // It is healthy for a moment after its last old pod was evicted.
  const ready = newPods.filter((pod) => pod.ready).length;
  return oldPods.length > 0 || ready < rollout.replicas;
}

/** The ending if a change by somebody else rolled out instead: the images of the pods decide. */
function supersededRollout({ ref, rollout }: RolloutView, { newPods, oldPods }: PodsByAge): Ending {
  const changed = "somebody else changed the pod template during the rollout";
  const heldBack = rollout.kind === "StatefulSet" ? rollout.partition : 0;
  if (oldPods.length <= heldBack) {
    return ended("restarted", "superseded", `rolled out on target, although ${changed}`);
  }
  const image = oldPods[0]?.image;
  const state = image === undefined ? "have no sidecar" : `run ${image}`;
  const why = `${changed}: ${oldPods.length} of ${newPods.length + oldPods.length} pods ${state}`;
  const inspect = ["get", resourceName(ref), "-n", ref.namespace, "-o", "yaml"];
  const step = sentence`see who changed it: ${kubectl(...inspect, "--show-managed-fields")}; if a controller reverts each restart, restart the workload through that controller, or exclude it`;
  return ended("failed", "superseded", why, step);
}

function checkCommand({ namespace }: RolloutView["ref"]): Command {
  return istioUpgrade("check", "--namespace", namespace);
}
