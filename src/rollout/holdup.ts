import type { RolloutView, PodsByAge } from "./view.ts";

/**
 * The node that a DaemonSet waits for, as the end of a sentence: one whose new pod is not ready, or
 * whose old pod has not ended. Of other kinds no node says more than its pods do.
 */
export function holdupOf({ rollout, pods }: RolloutView, { fresh }: PodsByAge): string | undefined {
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
