import { resourceName } from "../kubernetes/kinds.ts";
import { kubectl, type NextStep } from "../next-step.ts";
import {
  type CandidateEvent,
  containerOf,
  eventText,
  explainingEvent,
  unreadyText,
} from "../mesh/unready-pod.ts";
import type { PodEvent, RollingPod } from "../snapshot.ts";
import { count } from "../wording.ts";
import { type Hindrance, hindranceOf } from "./hindrance.ts";
import type { Cause, Ending } from "./result.ts";
import { rolloutStatus } from "./status.ts";
import {
  awaitedOnNodes,
  countReady,
  moreNodes,
  type PodsByAge,
  podsByAge,
  podsOfCurrentTemplate,
  type Restart,
  type RolloutView,
  stillServing,
} from "./view.ts";

/** A pod that explains why a rollout is not done. */
export interface Suspect {
  readonly pod: RollingPod;
  readonly age: "new" | "old";
}

/** @param restart `undefined` for a rollout that this run did not start. */
export function podsOf(view: RolloutView, restart: Restart | undefined): PodsByAge {
  return restart === undefined ? podsOfCurrentTemplate(view) : podsByAge(view, restart);
}

/**
 * Finds the pod that explains why a rollout is not done: one with a problem, then a new pod that is not
 * ready, then an old one that an OrderedReady StatefulSet waits for, then one that is still terminating.
 */
export function suspectOf(view: RolloutView, found: PodsByAge): Suspect | undefined {
  const { rollout } = view;
  const hindered = hindranceOf(view, found)?.pod;
  const isUnready = ({ ready }: RollingPod) => !ready;
  const newPod = hindered ?? found.newPods.find(isUnready);
  if (newPod !== undefined) return { pod: newPod, age: "new" };
  const ordered = rollout.kind === "StatefulSet" && rollout.ordered;
  const oldPod =
    (ordered ? found.oldPods.find(isUnready) : undefined) ??
    view.pods.find(({ terminating, failed }) => terminating && !failed);
  return oldPod && { pod: oldPod, age: "old" };
}

/** The facts about a rollout that did not succeed. */
export interface Evidence {
  readonly view: RolloutView;
  readonly pods: PodsByAge;
  readonly suspect: Suspect | undefined;
  /**
   * The events about the suspect, the newest last; `undefined` if the API server answers nothing more, so
   * that all facts are from the last read.
   */
  readonly events: readonly CandidateEvent[] | undefined;
}

/** Adds the cause to an ending without success, and to its message unless that names it already. */
export function explainEnding(ending: Ending, evidence: Evidence): Ending {
  const { view, suspect, events } = evidence;
  const event = suspect && explainingEvent(suspect.pod, events ?? []);
  const cause: Cause = {
    pod: suspect?.pod.name,
    container: suspect?.pod.trouble?.container ?? containerOf(suspect?.pod.blocker),
    node: suspect?.pod.node,
    event,
    budget: view.evictionBlock?.budget,
    oldPodsReady: countReady(evidence.pods.oldPods),
  };
  const explained = { ...ending, cause };
  const separator = events === undefined ? "; last seen:" : UNEXPLAINED[ending.code];
  if (separator === undefined) return explained;
  const hindrance = hindranceOf(view, evidence.pods);
  const why = hindrance?.message ?? describe(evidence, event);
  if (why === undefined || ending.message.includes(why)) return explained;
  const serving = stillServing(evidence.pods.oldPods);
  const reasoned = `${ending.message}${separator} ${why}`;
  const message = reasoned.includes(serving) ? reasoned : `${reasoned}; ${serving}`;
  return { ...explained, message, nextStep: nextStepOf(ending, evidence, hindrance) };
}

/** The codes whose messages do not say why, with what separates the reason from the message. */
const UNEXPLAINED: Readonly<Record<string, ":" | ";">> = {
  "no-progress": ":",
  interrupted: ":",
  "still-waiting": ";",
  "progress-deadline": ";",
  degraded: ";",
  unhealthy: ";",
};

/** Describes why a rollout without a hindrance is not done. */
function describe(
  { view, pods: found, suspect }: Evidence,
  event: PodEvent | undefined,
): string | undefined {
  const { rollout, evictionBlock } = view;
  if (suspect !== undefined) {
    return `${describeSuspect(suspect, event)}${waitingForNodes(awaitedOnNodes(view, found))}`;
  }
  if (evictionBlock !== undefined) return evictionBlock.message;
  if (rollout.minReadySeconds === 0 || found.newPods.length === 0) {
    const { state, message } = rolloutStatus(rollout);
    return state === "waiting" ? message : undefined;
  }
  const ready = count(found.newPods.length, "new pod", ["is", "are"]);
  return `${ready} ready, but available only after ${rollout.minReadySeconds}s (minReadySeconds)`;
}

function describeSuspect({ pod, age }: Suspect, event: PodEvent | undefined): string {
  const whose = `the ${age} pod ${pod.name}`;
  if (!pod.terminating) return unreadyText(whose, pod, event);
  const place = pod.node === undefined ? "" : ` on ${pod.node}`;
  return `${whose}${place} is still terminating${event ? `: ${eventText(event)}` : ""}`;
}

/** The nodes of a DaemonSet, as a sentence of its own after the one about the first pod. */
function waitingForNodes(awaited: readonly RollingPod[]): string {
  const more = moreNodes(awaited);
  return more === "" ? "" : `; waiting for that node${more}`;
}

/** A pod says more than the status of the rollout, which is the step after a rollout without progress. */
function nextStepOf(
  { code, nextStep }: Ending,
  { view: { ref }, suspect }: Evidence,
  hindrance: Hindrance | undefined,
): NextStep {
  if (code !== "no-progress") return nextStep;
  if (hindrance !== undefined) return hindrance.nextStep;
  return suspect === undefined
    ? kubectl("describe", resourceName(ref), "-n", ref.namespace)
    : kubectl("describe", "pod", suspect.pod.name, "-n", ref.namespace);
}
