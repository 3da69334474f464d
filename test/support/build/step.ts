import type { Assessment } from "../../../src/mesh/assessment.ts";
import type { Step } from "../../../src/rollout/step.ts";
import type { StepResult } from "../../../src/rollout/result.ts";
import { restartTime } from "../../../src/snapshot.ts";
import { proxyImage } from "./pod-group.ts";

/** Returns the planned restart of an assessed workload. Throws if it has no target. */
export function stepFor({ workload, verdict, running, target }: Assessment): Step {
  if (target === undefined) throw new Error("a step needs a target");
  const { namespace, kind, name, uid } = workload;
  return {
    ref: { namespace, kind, name, uid },
    verdict,
    from: running.map(({ image, revision, pods }) => ({ image, revision, pods })),
    to: target,
    hadSidecar: running.some(({ image }) => image !== undefined),
    podsAtOnce: 1,
    template: "sha256:template",
    restartedAt: restartTime(workload),
  };
}

const STARTED = new Date("2026-11-22T20:00:00Z");
const FINISHED = new Date("2026-11-22T20:01:30Z");

/**
 * Returns the result of a step, by default `restarted`. A step that was not started has no start
 * time.
 */
export function resultOf(
  { ref, from, to }: Pick<Step, "ref" | "from" | "to">,
  ending: Partial<StepResult> = {},
): StepResult {
  const outcome = ending.outcome ?? "restarted";
  const started = ["restarted", "failed", "timed-out", "still-rolling"].includes(outcome);
  if (outcome === "not-started" && ending.startedAt !== undefined) {
    throw new Error("a step that was not started has no start time");
  }
  return {
    ref,
    from,
    to,
    outcome,
    code: "rolled-out",
    message: "rolled out",
    nextStep: "",
    startedAt: started ? STARTED : undefined,
    finishedAt: FINISHED,
    ...ending,
  };
}

/** Returns a restart of `deployment/web` in `shop` from v1.27.7-1 to v1.27.9-6. */
export function someStep(): Step {
  return {
    ref: { namespace: "shop", kind: "Deployment", name: "web", uid: "shop-deployment-web" },
    verdict: "outdated",
    from: [{ image: proxyImage("v1.27.7-1"), revision: "asm-1-27", pods: 3 }],
    to: { revision: "asm-1-27", image: proxyImage("v1.27.9-6") },
    hadSidecar: true,
    podsAtOnce: 1,
    template: undefined,
    restartedAt: undefined,
  };
}

export function someResult(ending: Partial<StepResult> = {}): StepResult {
  return resultOf(someStep(), ending);
}
