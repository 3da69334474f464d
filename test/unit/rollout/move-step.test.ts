import { expect, test } from "vitest";
import { istioUpgrade, kubectl, sentence, sequence } from "../../../src/next-step.ts";
import { moveStep } from "../../../src/rollout/move-step.ts";
import { formatStep } from "../../support/build/next-step.ts";

const restart = istioUpgrade(
  "restart",
  "statefulset/db",
  "--namespace",
  "shop",
  "--include",
  "missing,unhealthy",
  "--allow-downtime",
  "--allow-revision",
  "asm-1-28",
);
const MOVE = "istio-upgrade move shop --to asm-1-28 --include missing,unhealthy --allow-downtime";

test.each([
  ["prose", "fix it", "fix it"],
  ["a command", restart, MOVE],
  ["a sentence", sentence`fix it, or: ${restart}`, `fix it, or: ${MOVE}`],
  ["a sequence", sequence([kubectl("get", "pods"), restart]), `kubectl get pods && ${MOVE}`],
  ["another command", kubectl("get", "pods"), "kubectl get pods"],
])("%s names the move instead of the restart", (_name, step, expected) => {
  expect(formatStep(moveStep(step, "shop", "asm-1-28"))).toBe(expected);
});
