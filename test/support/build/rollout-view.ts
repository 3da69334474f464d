import type { RolloutView } from "../../../src/rollout/view.ts";
import type { RollingPod, Workload } from "../../../src/snapshot.ts";
import { proxyImage } from "./pod-group.ts";

/** The restart that the views belong to. */
export const RESTART = {
  target: { revision: "asm-1-27", image: proxyImage("v1.27.9-6") },
  restartedAt: "2026-11-22T20:00:00Z",
} as const;

/** Returns a ready pod that the restart created, on target. */
export function newPod(name: string, facts: Partial<RollingPod> = {}): RollingPod {
  return rollingPod(name, {
    image: RESTART.target.image,
    restartedAt: RESTART.restartedAt,
    createdAt: "2026-11-22T20:00:03Z",
    ...facts,
  });
}

/** Returns a pod from before the restart. */
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
    throw new Error("a pod in trouble cannot be ready");
  }
  return pod;
}

/** Returns a view of a workload whose template has the restart time. */
export function rolloutView(
  { namespace, kind, name, uid, rollout }: Workload,
  facts: Partial<Omit<RolloutView, "ref" | "rollout">> = {},
): RolloutView {
  if (rollout === undefined) throw new Error(`a ${kind} has no rollout`);
  return {
    ref: { namespace, kind, name, uid },
    rollout,
    restartedAt: RESTART.restartedAt,
    pods: [],
    refusals: [],
    ...facts,
  };
}
