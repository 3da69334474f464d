import { resourceName } from "../kubernetes/kinds.ts";
import { hasFreedRoom } from "../mesh/ongoing-rollout.ts";
import { type Command, kubectl, type NextStep } from "../next-step.ts";
import {
  type PodTrouble,
  type RollingPod,
  UNSCHEDULABLE,
  wantedPods,
  type WorkloadRef,
} from "../snapshot.ts";
import type { Grace, Patience } from "./stall.ts";
import { type PodsByAge, type RolloutView, stillServing } from "./view.ts";
import { count } from "../wording.ts";

/** A problem that keeps new pods from running. */
export interface Hindrance extends Grace {
  /** A stable code, such as `quota`. */
  readonly code: string;
  readonly message: string;
  readonly nextStep: NextStep;
  /** The pod in trouble; `undefined` if no pod could be created. */
  readonly pod: RollingPod | undefined;
}

/**
 * The milliseconds that each problem may last. A rejection by a policy is final; two reads
 * distinguish it from an earlier one. Controllers retry after 5 and 10 s, so they notice a webhook
 * that has recovered by then. A quota has room again when old pods end. An autoscaler checks for
 * unschedulable pods every 10 s. The kubelet tries to pull an image again after 10 and 20 s, and to
 * start a container after 10 s; what is final has no grace period. An unready pod that nothing replaces
 * has as long as in a workload that is not rolling.
 */
const GRACE = {
  "refused-by-admission": 2_000,
  "create-failed": 15_000,
  "webhook-failed": 15_000,
  quota: 30_000,
  unschedulable: 30_000,
  "pod-failed": 30_000,
  "disruption-budget": 30_000,
  "ordered-pod": 120_000,
} as const;

/** The pause after which a controller that this run has not watched tries again to create a pod. */
const NEXT_ATTEMPT = 90_000;

/**
 * Finds the first problem of the new pods: trouble that is final, pods that cannot be created, pods
 * without a node, trouble that may resolve itself, and pods that have failed.
 *
 * @param options `isJoined` is true if the rollout was in progress before this run.
 */
export function hindranceOf(
  view: RolloutView,
  pods: PodsByAge,
  { isJoined = false, schedulingTimeout = GRACE.unschedulable }: HindranceOptions = {},
): Hindrance | undefined {
  return (
    troubledPod(view, pods, (outlook) => outlook === "final") ??
    failedCreation(view, pods, isJoined) ??
    unschedulable(view, pods, schedulingTimeout) ??
    troubledPod(view, pods, () => true) ??
    failedPods(view, pods) ??
    blockedEviction(view, pods) ??
    (isJoined ? unreadyOrderedPod(view, pods) : undefined)
  );
}

interface HindranceOptions extends Partial<Pick<Patience, "schedulingTimeout">> {
  readonly isJoined?: boolean;
}

/** Returns the pod that no node has room for yet, if that is the problem: a node may be on its way. */
export function podWithoutNode({ code, pod }: Hindrance): RollingPod | undefined {
  return code === "unschedulable" ? pod : undefined;
}

function failedCreation(
  view: RolloutView,
  pods: PodsByAge,
  isJoined: boolean,
): Hindrance | undefined {
  const refusal = view.refusals.at(-1);
  // Events outlive their cause: if no pod is lacking, they are about the past.
  if (refusal === undefined || !lacksPods(view)) return undefined;
  const code = refusalCode(refusal);
  return {
    code,
    message: `new pods cannot be created: ${refusal.replace(PREFIX, "")}; ${stillServing(pods.oldPods)}`,
    nextStep: nextStepOf(code, view.ref),
    grace: code === "quota" && isJoined && hasFreedRoom(view.rollout) ? NEXT_ATTEMPT : GRACE[code],
    resolving: code === "quota" && isMakingRoom(view, pods),
    pod: undefined,
  };
}

/** The text that controllers put before the API server's message in their events. */
const PREFIX = /^(?:Error creating: |Create Pod \S+ in StatefulSet \S+ failed error: )/;

/** A Deployment or a Rollout has a condition instead, which disappears with its cause. */
function lacksPods({ rollout, pods }: RolloutView): boolean {
  return (
    rollout.kind === "Deployment" ||
    rollout.kind === "Rollout" ||
    pods.filter(({ failed }) => !failed).length < wantedPods(rollout)
  );
}

/**
 * True if old pods make room for new ones without waiting for them: some are terminating, or are about
 * to, because more pods are available than `maxUnavailable` requires.
 * Source: k8s.io/kubernetes `pkg/controller/deployment/rolling.go`, reconcileOldReplicaSets.
 */
function isMakingRoom({ rollout, pods }: RolloutView, { oldPods }: PodsByAge): boolean {
  if (pods.some(({ terminating, failed }) => terminating && !failed)) return true;
  if (rollout.kind !== "Deployment") return false;
  const { replicas, unavailable, status } = rollout;
  return oldPods.length > 0 && status.available > replicas - unavailable;
}

type RefusalCode = Exclude<
  keyof typeof GRACE,
  "unschedulable" | "pod-failed" | "disruption-budget" | "ordered-pod"
>;

/** Classifies an error message of k8s.io/apiserver and its admission plugins. */
export function refusalCode(message: string): RefusalCode {
  if (/(?:exceeded|failed) quota/.test(message)) return "quota";
  if (message.includes("failed calling webhook")) return "webhook-failed";
  if (/denied the request|violates PodSecurity|is forbidden|is invalid/.test(message)) {
    return "refused-by-admission";
  }
  return "create-failed";
}

function nextStepOf(code: RefusalCode, ref: WorkloadRef): Command {
  switch (code) {
    case "quota":
      return kubectl("describe", "quota", "-n", ref.namespace);
    case "webhook-failed":
      return kubectl("get", "mutatingwebhookconfigurations,validatingwebhookconfigurations");
    default:
      return kubectl("describe", resourceName(ref), "-n", ref.namespace);
  }
}

function unschedulable(view: RolloutView, pods: PodsByAge, grace: number): Hindrance | undefined {
  const pod = pods.newPods.find(({ trouble }) => trouble?.reason === UNSCHEDULABLE);
  if (pod?.trouble === undefined) return undefined;
  const message = `the new pod ${pod.name} cannot be scheduled: ${pod.trouble.message}; ${stillServing(pods.oldPods)}`;
  const found = aboutPod(view, pod, "unschedulable", message, isMakingRoom(view, pods));
  return { ...found, grace };
}

/** @param counts true for the outlooks to look for. */
function troubledPod(
  view: RolloutView,
  { newPods, oldPods }: PodsByAge,
  counts: (outlook: PodTrouble["outlook"]) => boolean,
): Hindrance | undefined {
  const pod = newPods.find(
    ({ trouble }) =>
      trouble !== undefined && trouble.reason !== UNSCHEDULABLE && counts(trouble.outlook),
  );
  if (pod?.trouble === undefined) return undefined;
  const { reason, message: details, outlook } = pod.trouble;
  const message = `the new pod ${pod.name} is in ${reason}: ${details}; ${stillServing(oldPods)}`;
  const found = aboutPod(view, pod, "pod-failed", message);
  return outlook === "final" ? { ...found, grace: 0 } : found;
}

/** The newest of the pods that have failed, such as those that the kubelet rejects or evicts. */
function failedPods(view: RolloutView, { failed, oldPods }: PodsByAge): Hindrance | undefined {
  const pod = failed.at(-1);
  if (pod?.trouble === undefined) return undefined;
  const { reason, message: details } = pod.trouble;
  const words = [reason, details].filter(Boolean).join(": ");
  const others = failed.length - 1;
  const more =
    others === 0
      ? ""
      : `, and so ${others === 1 ? "has" : "have"} ${count(others, "other new pod")}`;
  const message = `the new pod ${pod.name} has failed: ${words}${more}; ${stillServing(oldPods)}`;
  // The controller replaces the pod, so one failure alone never ends a rollout.
  return { ...aboutPod(view, pod, "pod-failed", message), resolving: true };
}

/**
 * Argo Rollouts restarts pods by evicting them, and tries again until the API server allows it. While a
 * pod is not ready, a budget has a reason to allow no other eviction.
 * Source: argoproj/argo-rollouts `rollout/restart.go`.
 */
function blockedEviction(
  { ref, evictionBlock, pods: all }: RolloutView,
  { oldPods }: PodsByAge,
): Hindrance | undefined {
  if (evictionBlock === undefined || oldPods.length === 0) return undefined;
  if (all.some(({ ready, terminating }) => terminating || !ready)) return undefined;
  const { budget, message } = evictionBlock;
  const left = count(oldPods.length, "old pod");
  return {
    code: "disruption-budget",
    message: `${message}, so Argo Rollouts cannot restart ${left}; it continues as soon as an eviction is allowed`,
    nextStep: kubectl("describe", "poddisruptionbudget", budget, "-n", ref.namespace),
    grace: GRACE["disruption-budget"],
    resolving: false,
    pod: undefined,
  };
}

/**
 * An OrderedReady StatefulSet neither creates nor replaces a pod until those before it are ready. An old
 * pod never gets the template that would make it ready.
 * Source: k8s.io/kubernetes `pkg/controller/statefulset/stateful_set_control.go`, updateStatefulSet.
 */
function unreadyOrderedPod(view: RolloutView, { oldPods }: PodsByAge): Hindrance | undefined {
  const { rollout } = view;
  if (rollout.kind !== "StatefulSet" || !rollout.ordered || !lacksPods(view)) return undefined;
  const pod = oldPods.find(({ ready }) => !ready);
  if (pod === undefined) return undefined;
  const message = `the old pod ${pod.name} is not ready, and an OrderedReady StatefulSet creates no other pod until it is; ${stillServing(oldPods)}`;
  return aboutPod(view, pod, "ordered-pod", message);
}

/** True if another restart would not replace the pod that is the problem. */
export function needsDeletion({ code }: Hindrance): boolean {
  return code === "ordered-pod";
}

function aboutPod(
  { ref }: RolloutView,
  pod: RollingPod,
  code: keyof typeof GRACE,
  message: string,
  resolving = false,
): Hindrance {
  const nextStep = kubectl("describe", "pod", pod.name, "-n", ref.namespace);
  return { code, message, nextStep, grace: GRACE[code], resolving, pod };
}
