import { expect, test } from "vitest";
import { NO_MILESTONES, noteMilestones } from "../../../src/rollout/milestones.ts";
import { crashingPod, newPod } from "../../support/build/rollout-view.ts";

const [READY, UNREADY] = [newPod("web-1"), crashingPod("web-2", "open")];
type Read = readonly [at: number, pods: readonly (typeof READY)[]];

/** The milestones after some reads of a rollout that should have two new pods. */
function after(...reads: readonly Read[]) {
  const { firstPodAt, readyAt } = reads.reduce(
    (before, [at, newPods]) => noteMilestones(before, { newPods }, 2, at),
    NO_MILESTONES,
  );
  return [firstPodAt, readyAt];
}

test.each<{ rule: string; reads: readonly Read[]; milestones: readonly unknown[] }>([
  {
    rule: "there are none before the first new pod",
    reads: [[1, []]],
    milestones: [undefined, undefined],
  },
  {
    rule: "the first pod counts before it is ready",
    reads: [
      [1, []],
      [2, [UNREADY]],
      [3, [UNREADY, READY]],
    ],
    milestones: [2, undefined],
  },
  {
    rule: "all new pods have to be ready",
    reads: [
      [1, [READY]],
      [2, [READY, UNREADY]],
      [3, [READY, READY]],
    ],
    milestones: [1, 3],
  },
  {
    rule: "both may come with one read",
    reads: [[4, [READY, READY]]],
    milestones: [4, 4],
  },
  {
    rule: "they stay if a pod becomes unready again, or is replaced",
    reads: [
      [1, [READY, READY]],
      [2, [UNREADY, READY]],
      [3, []],
      [4, [READY, READY]],
    ],
    milestones: [1, 1],
  },
])("milestones: $rule", ({ reads, milestones }) => {
  expect(after(...reads)).toEqual(milestones);
});

test("without a pod to wait for, a rollout without pods has no milestone", () => {
  expect(noteMilestones(NO_MILESTONES, { newPods: [] }, 0, 1)).toEqual(NO_MILESTONES);
});
