import { resourceName } from "../kubernetes/kinds.ts";
import { type Command, kubectl, type NextStep } from "../next-step.ts";
import type { WorkloadRef } from "../snapshot.ts";
import { wantedPods } from "../snapshot.ts";
import { type RolloutView, type PodsByAge, stillServing } from "./view.ts";

/** What keeps new pods from running, and may pass by itself. */
export interface Hindrance {
  /** Stable, as `quota`. */
  readonly code: string;
  readonly message: string;
  readonly nextStep: NextStep;
  /** Milliseconds without progress after which it counts as a failure. */
  readonly grace: number;
  /** The pod that no node has room for. */
  readonly pod: { readonly name: string; readonly uid: string } | undefined;
}

/**
 * How long each may pass by itself. A refusal by a policy stands; two looks tell it from one that
 * was over already. Controllers try again after 5 and 10 s, so a webhook that is back by then is
 * noticed; a quota gets room when old pods end; an autoscaler looks every 10 s for pods to place.
 */
const GRACE = {
  "refused-by-admission": 2_000,
  "create-failed": 15_000,
  "webhook-failed": 15_000,
  quota: 30_000,
  unschedulable: 30_000,
} as const;

/** The first thing that is in the way: pods that cannot be created before those without a node. */
export function hindranceOf(view: RolloutView, sides: PodsByAge): Hindrance | undefined {
  return refused(view, sides) ?? unschedulable(view, sides);
}

function refused(view: RolloutView, { old }: PodsByAge): Hindrance | undefined {
  const words = view.refusals.at(-1);
  // Events stay where they are: with every pod there they tell of what is over.
  if (words === undefined || !lacksPods(view)) return undefined;
  const code = refusalCode(words);
  return {
    code,
    message: `new pods cannot be created: ${words.replace(PREFIX, "")}; ${stillServing(old)}`,
    nextStep: nextStepOf(code, view.ref),
    grace: GRACE[code],
    pod: undefined,
  };
}

/** What the controllers put before the API server's words in their events. */
const PREFIX = /^(?:Error creating: |Create Pod \S+ in StatefulSet \S+ failed error: )/;

/** A Deployment or a Rollout says so itself, by a condition that goes when it is over. */
function lacksPods({ rollout, pods }: RolloutView): boolean {
  return "conditions" in rollout || pods.length < wantedPods(rollout);
}

type RefusalCode = Exclude<keyof typeof GRACE, "unschedulable">;

/** Whose refusal it was, by the words of k8s.io/apiserver and its admission plugins. */
export function refusalCode(words: string): RefusalCode {
  if (/(?:exceeded|failed) quota/.test(words)) return "quota";
  if (words.includes("failed calling webhook")) return "webhook-failed";
  if (/denied the request|violates PodSecurity|is forbidden|is invalid/.test(words)) {
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

function unschedulable({ ref }: RolloutView, { fresh, old }: PodsByAge): Hindrance | undefined {
  const pod = fresh.find((one) => one.unschedulable !== undefined);
  return (
    pod && {
      code: "unschedulable",
      message: `the new pod ${pod.name} finds no node: ${pod.unschedulable}; ${stillServing(old)}`,
      nextStep: kubectl("describe", "pod", pod.name, "-n", ref.namespace),
      grace: GRACE.unschedulable,
      pod: { name: pod.name, uid: pod.uid },
    }
  );
}
