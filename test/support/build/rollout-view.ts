import type { RolloutView } from "../../../src/rollout/view.ts";
import {
  type PodTrouble,
  type RollingPod,
  UNSCHEDULABLE,
  type Workload,
} from "../../../src/snapshot.ts";
import { crashing, unschedulable } from "./pod-group.ts";
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

/** Returns a new pod that crashes; by default in a loop. */
export function crashingPod(
  name: string,
  outlook: PodTrouble["outlook"] = "final",
  image: string = RESTART.target.image,
): RollingPod {
  return newPod(name, { image, trouble: crashing(name, outlook) });
}

/** Returns a new pod that fits no node. */
export function unschedulablePod(name: string, message = "no nodes available"): RollingPod {
  return newPod(name, { trouble: unschedulable(name, message) });
}

/** Returns a new pod that the kubelet has rejected. */
export function failedPod(name: string, facts: Partial<RollingPod> = {}): RollingPod {
  const trouble = {
    pod: name,
    reason: "OutOfcpu",
    message: "no cpu left",
    outlook: "open",
  } as const;
  return newPod(name, { failed: true, trouble, ...facts });
}

function rollingPod(name: string, facts: Partial<RollingPod>): RollingPod {
  const pod: RollingPod = {
    name,
    uid: `uid-${name}`,
    image: undefined,
    ready: facts.trouble === undefined,
    unreadySince: undefined,
    blocker: undefined,
    terminating: false,
    failed: false,
    createdAt: "2026-11-20T07:00:00Z",
    node: facts.trouble?.reason === UNSCHEDULABLE ? undefined : "aks-1",
    restartedAt: undefined,
    trouble: undefined,
    ...facts,
  };
  if (pod.ready && pod.trouble !== undefined) {
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
