import type { RolloutView } from "../../../src/rollout/view.ts";
import type { RollingPod, Workload } from "../../../src/snapshot.ts";
import { proxyImage } from "./pod-group.ts";

/** The restart that the views are of. */
export const RESTART = {
  target: { revision: "asm-1-27", image: proxyImage("v1.27.9-6") },
  restartedAt: "2026-11-22T20:00:00Z",
} as const;

/** A pod that the restart made: ready, on target. */
export function newPod(name: string, facts: Partial<RollingPod> = {}): RollingPod {
  return rollingPod(name, {
    image: RESTART.target.image,
    restartedAt: RESTART.restartedAt,
    createdAt: "2026-11-22T20:00:03Z",
    ...facts,
  });
}

/** A pod from before it. */
export function oldPod(name: string, facts: Partial<RollingPod> = {}): RollingPod {
  return rollingPod(name, { image: proxyImage("v1.27.7-1"), restartedAt: undefined, ...facts });
}

function rollingPod(name: string, facts: Partial<RollingPod>): RollingPod {
  const pod: RollingPod = {
    name,
    uid: `uid-${name}`,
    image: undefined,
    ready: facts.trouble === undefined && facts.unschedulable === undefined,
    terminating: false,
    createdAt: "2026-11-20T07:00:00Z",
    node: facts.unschedulable === undefined ? "aks-1" : undefined,
    restartedAt: undefined,
    trouble: undefined,
    unschedulable: undefined,
    ...facts,
  };
  if (pod.ready && (pod.trouble ?? pod.unschedulable) !== undefined) {
    throw new Error("a pod in trouble is not ready");
  }
  return pod;
}

/** A look at a workload whose template has the restart's time. */
export function rolloutView(
  { namespace, kind, name, uid, rollout }: Workload,
  facts: Partial<Omit<RolloutView, "ref" | "rollout">> = {},
): RolloutView {
  if (rollout === undefined) throw new Error(`a ${kind} does not roll`);
  return {
    ref: { namespace, kind, name, uid },
    rollout,
    restartedAt: RESTART.restartedAt,
    pods: [],
    refusals: [],
    ...facts,
  };
}
