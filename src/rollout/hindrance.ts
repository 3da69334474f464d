import { resourceName } from "../kubernetes/kinds.ts";
import { type Command, kubectl, type NextStep } from "../next-step.ts";
import { wantedPods, type WorkloadRef } from "../snapshot.ts";
import { type PodsByAge, type RolloutView, stillServing } from "./view.ts";

/** A problem that keeps new pods from running and may resolve itself. */
export interface Hindrance {
  /** A stable code, such as `quota`. */
  readonly code: string;
  readonly message: string;
  readonly nextStep: NextStep;
  /** The milliseconds without progress after which the problem is a failure. */
  readonly grace: number;
  /** The pod that no node has room for. */
  readonly pod: { readonly name: string; readonly uid: string } | undefined;
}

/**
 * The milliseconds that each problem may last. A rejection by a policy is final; two reads
 * distinguish it from an earlier one. Controllers retry after 5 and 10 s, so they notice a webhook
 * that has recovered by then. A quota has room again when old pods end. An autoscaler checks for
 * unschedulable pods every 10 s.
 */
const GRACE = {
  "refused-by-admission": 2_000,
  "create-failed": 15_000,
  "webhook-failed": 15_000,
  quota: 30_000,
  unschedulable: 30_000,
} as const;

/** Finds the first problem: pods that cannot be created come before pods without a node. */
export function hindranceOf(view: RolloutView, pods: PodsByAge): Hindrance | undefined {
  return failedCreation(view, pods) ?? unschedulable(view, pods);
}

function failedCreation(view: RolloutView, { oldPods }: PodsByAge): Hindrance | undefined {
  const refusal = view.refusals.at(-1);
  // Events outlive their cause: if no pod is lacking, they are about the past.
  if (refusal === undefined || !lacksPods(view)) return undefined;
  const code = refusalCode(refusal);
  return {
    code,
    message: `new pods cannot be created: ${refusal.replace(PREFIX, "")}; ${stillServing(oldPods)}`,
    nextStep: nextStepOf(code, view.ref),
    grace: GRACE[code],
    pod: undefined,
  };
}

/** The text that controllers put before the API server's message in their events. */
const PREFIX = /^(?:Error creating: |Create Pod \S+ in StatefulSet \S+ failed error: )/;

/** A Deployment or a Rollout has a condition instead, which disappears with its cause. */
function lacksPods({ rollout, pods }: RolloutView): boolean {
  return (
    rollout.kind === "Deployment" || rollout.kind === "Rollout" || pods.length < wantedPods(rollout)
  );
}

type RefusalCode = Exclude<keyof typeof GRACE, "unschedulable">;

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

function unschedulable(
  { ref }: RolloutView,
  { newPods, oldPods }: PodsByAge,
): Hindrance | undefined {
  const pod = newPods.find((one) => one.unschedulable !== undefined);
  return (
    pod && {
      code: "unschedulable",
      message: `the new pod ${pod.name} cannot be scheduled: ${pod.unschedulable}; ${stillServing(oldPods)}`,
      nextStep: kubectl("describe", "pod", pod.name, "-n", ref.namespace),
      grace: GRACE.unschedulable,
      pod: { name: pod.name, uid: pod.uid },
    }
  );
}
