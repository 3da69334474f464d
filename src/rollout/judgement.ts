import { count } from "../wording.ts";
import { rolloutCommand } from "../kubernetes/kinds.ts";
import { wantedPods } from "../snapshot.ts";
import { type Ending, ended } from "./result.ts";
import { type Hindrance, hindranceOf } from "./hindrance.ts";
import { isPaused, type RolloutStatus, rolloutStatus } from "./status.ts";
import { type Restart, type RolloutView, type PodsByAge, podsByAge, stillServing } from "./view.ts";
import { type Command, istioUpgrade, kubectl } from "../next-step.ts";

/** What one look at a rollout says. */
export interface Judgement {
  /** How far it is; its message names what holds it up. */
  readonly status: RolloutStatus;
  /** Set: it is over. */
  readonly ending: Ending | undefined;
  /** Something that a failure comes of where it does not pass. */
  readonly hindrance: Hindrance | undefined;
  /** Changes where the rollout got on. */
  readonly progress: string;
}

/**
 * Judges a rollout by kubectl's rules, and its new pods by what they are, from the first one on: a
 * rollout that completes proves nothing about sidecars, and one that cannot need not run into its
 * deadline.
 */
export function judgeRollout(view: RolloutView, restart: Restart): Judgement {
  const sides = podsByAge(view, restart);
  const status = rolloutStatus(view.rollout);
  const holdup = status.state === "waiting" ? slowNode(view, sides) : undefined;
  const message = holdup === undefined ? status.message : `${status.message}; ${holdup}`;
  return {
    status: { ...status, message, ...readyOf(view, sides) },
    ending:
      wrongSidecar(view, restart, sides) ?? failedPod(view, sides) ?? over(view, status, sides),
    hindrance: hindranceOf(view, sides),
    progress: JSON.stringify([status, sides.fresh.length, view.pods.length]),
  };
}

/**
 * The node that a DaemonSet waits for, as the end of a sentence: its new pod is not ready, or its
 * old pod is still terminating. For other kinds a node says no more than the pods do.
 */
function slowNode({ rollout, pods }: RolloutView, { fresh }: PodsByAge): string | undefined {
  if (rollout.kind !== "DaemonSet") return undefined;
  const unready = fresh.filter((pod) => !pod.ready && pod.node !== undefined);
  const ending = pods.filter((pod) => pod.terminating && pod.node !== undefined);
  const [first] = [...unready, ...ending];
  if (first === undefined) return undefined;
  const others = new Set([...unready, ...ending].map(({ node }) => node)).size - 1;
  const more = others === 0 ? "" : `, and ${others} more`;
  const what = first.terminating ? "has not ended" : "is not ready";
  return `node ${first.node} holds it up: ${first.name} ${what}${more}`;
}

/** What an Argo Rollout counts are not the new pods: its template stays the same. */
function readyOf({ rollout }: RolloutView, { fresh }: PodsByAge) {
  return rollout.kind === "Rollout" ? { ready: fresh.filter(({ ready }) => ready).length } : {};
}

function wrongSidecar(
  { ref }: RolloutView,
  { target }: Restart,
  { fresh, old }: PodsByAge,
): Ending | undefined {
  const bare = fresh.find(({ image }) => image === undefined);
  if (bare) {
    const served = old.filter(({ image }) => image !== undefined).length;
    const left = `${count(served, "old pod", ["is", "are"])} left with one`;
    const message = `the new pod ${bare.name} came up without a sidecar; ${left}`;
    return ended("failed", "sidecar-lost", message, rolloutCommand("undo", ref));
  }
  const other = fresh.find(({ image }) => image !== target.image);
  if (other === undefined) return undefined;
  const message = `the new pod ${other.name} runs ${other.image}, not ${target.image}`;
  return ended("failed", "other-image", message, checkOf(ref));
}

function failedPod({ ref }: RolloutView, { fresh, old }: PodsByAge): Ending | undefined {
  const trouble = fresh.find((pod) => pod.trouble !== undefined)?.trouble;
  if (trouble === undefined) return undefined;
  const message = `the new pod ${trouble.pod} is in ${trouble.reason}: ${trouble.message}; ${stillServing(old)}`;
  const inspect = kubectl("describe", "pod", trouble.pod, "-n", ref.namespace);
  return ended("failed", "pod-failed", message, inspect);
}

function over(
  view: RolloutView,
  { state, message }: RolloutStatus,
  sides: PodsByAge,
): Ending | undefined {
  const { ref, rollout } = view;
  if (state === "waiting" && isPaused(rollout)) {
    const resume = rolloutCommand("resume", ref);
    return ended("timed-out", "paused", "it was paused while it rolled", resume);
  }
  if (rollout.strategy === "OnDelete") {
    const why = `its update strategy became OnDelete while it rolled: ${count(sides.old.length, "old pod", ["stays", "stay"])} until deleted`;
    return ended(
      "timed-out",
      "on-delete",
      why,
      kubectl("delete", "pod", "...", "-n", ref.namespace),
    );
  }
  if (state === "failed") {
    const why = `${message}; ${stillServing(sides.old)}`;
    const code = rollout.kind === "Rollout" ? "degraded" : "progress-deadline";
    return ended("failed", code, why, rolloutCommand("undo", ref));
  }
  if (state === "waiting" || isBehind(view, sides)) return undefined;
  if (wantedPods(rollout) === 0) {
    const why = "it wants no pods any more: its next ones get today's injection";
    return ended("restarted", "scaled-to-zero", why);
  }
  return sides.superseded
    ? superseded({ ref, rollout }, sides)
    : ended("restarted", "rolled-out", "rolled out");
}

/** An Argo Rollout is healthy for a moment after its last old pod was evicted. */
function isBehind({ rollout }: RolloutView, { fresh, old, superseded: other }: PodsByAge) {
  if (rollout.kind !== "Rollout" || other) return false;
  const ready = fresh.filter((pod) => pod.ready).length;
  return old.length > 0 || ready < rollout.replicas;
}

/** Somebody else's change rolled out instead: its pods count for what they are. */
function superseded(
  { ref, rollout }: Pick<RolloutView, "ref" | "rollout">,
  { fresh, old }: PodsByAge,
): Ending {
  const changed = "its pod template was changed by somebody else while it rolled";
  const heldBack = rollout.kind === "StatefulSet" ? rollout.partition : 0;
  if (old.length <= heldBack) {
    return ended("restarted", "superseded", `rolled out; ${changed}, and its pods are on target`);
  }
  const runs = old[0]?.image ?? "no sidecar";
  const why = `${changed}: of its ${fresh.length + old.length} pods ${old.length} run ${runs}`;
  return ended("failed", "superseded", why, checkOf(ref));
}

function checkOf({ namespace }: RolloutView["ref"]): Command {
  return istioUpgrade("check", "--namespace", namespace);
}
