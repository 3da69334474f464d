import { expect, test } from "vitest";
import { resolveMesh } from "../../../src/mesh/mesh.ts";
import { type MoveTarget, type NamespaceChange } from "../../../src/mesh/namespace-move.ts";
import type { MovedNamespace, MoveOutcome } from "../../../src/rollout/moved-namespace.ts";
import type { StepResult } from "../../../src/rollout/result.ts";
import { isMoveBack, wayBack } from "../../../src/rollout/way-back.ts";
import { controlPlane } from "../../support/build/control-plane.ts";
import { formatStep } from "../../support/build/next-step.ts";
import { proxyImage } from "../../support/build/pod-group.ts";
import { someResult } from "../../support/build/step.ts";

const MESH = resolveMesh(
  controlPlane({
    revisions: [
      { name: "asm-1-27", values: { image: proxyImage("v1.27.7-1") } },
      { name: "asm-1-28", values: { image: proxyImage("v1.28.1-1") } },
    ],
    tags: { stable: "asm-1-27", canary: "asm-1-28" },
  }),
);
const TARGET: MoveTarget = { label: "asm-1-28", revision: "asm-1-28", isTag: false };

function moved(
  name: string,
  outcome: MoveOutcome,
  change: Partial<NamespaceChange> = {},
): MovedNamespace {
  return {
    name,
    change: { from: "asm-1-27", injection: undefined, to: "asm-1-28", ...change },
    outcome,
    code: "",
    message: "",
    nextStep: "",
    labelledAt: undefined,
  };
}

function restarted(namespace: string): StepResult {
  const result = someResult();
  return {
    ...result,
    ref: { ...result.ref, namespace },
    from: [
      { image: proxyImage("v1.27.7-1"), revision: "asm-1-27", pods: 2 },
      { image: proxyImage("v1.28.1-1"), revision: "asm-1-28", pods: 3 },
    ],
    to: { revision: "asm-1-28", image: proxyImage("v1.28.1-1") },
  };
}

test.each<[string, readonly MovedNamespace[], readonly StepResult[], string | undefined]>([
  ["nothing was changed", [moved("shop", "planned")], [], undefined],
  [
    "nothing was restarted, and the label was there",
    [moved("shop", "unchanged", { from: "asm-1-28" })],
    [],
    undefined,
  ],
  [
    "labels of one revision",
    [moved("shop", "labelled"), moved("pay", "labelled")],
    [],
    "istio-upgrade move shop pay --to asm-1-27",
  ],
  [
    "labels of a revision and of a tag",
    [moved("shop", "labelled"), moved("pay", "labelled", { from: "stable" })],
    [],
    "istio-upgrade move shop --to asm-1-27 && istio-upgrade move pay --to stable",
  ],
  [
    "a label that an earlier run set",
    [moved("shop", "unchanged", { from: "asm-1-28" })],
    [restarted("shop")],
    "istio-upgrade move shop --to asm-1-27",
  ],
  [
    "a tag that was moved",
    [moved("shop", "unchanged", { from: "canary" })],
    [restarted("shop")],
    "istioctl tag set canary --revision asm-1-27 --istioNamespace aks-istio-system --overwrite && istio-upgrade move shop --to asm-1-27",
  ],
  [
    "the label istio-injection",
    [moved("shop", "labelled", { from: undefined, injection: "enabled" })],
    [],
    "kubectl label namespace shop istio-injection=enabled istio.io/rev- && istio-upgrade restart --namespace shop --include unhealthy",
  ],
  ["a revision that is gone", [moved("shop", "labelled", { from: "asm-1-25" })], [], undefined],
  [
    "a namespace without its label",
    [moved("shop", "labelled"), moved("pay", "not-labelled")],
    [],
    "istio-upgrade move shop --to asm-1-27",
  ],
])("the way back of %s", (_name, namespaces, results, expected) => {
  const command = wayBack(namespaces, results, TARGET, MESH, []);
  expect(command && formatStep(command)).toBe(expected);
});

test("the way back has the flags that the restarts need again", () => {
  const command = wayBack([moved("shop", "labelled")], [], TARGET, MESH, ["--allow-downtime"]);
  expect(command && formatStep(command)).toBe(
    "istio-upgrade move shop --to asm-1-27 --allow-downtime",
  );
});

test("a move is one back if everything that it leaves is newer", () => {
  const back: MoveTarget = { label: "asm-1-27", revision: "asm-1-27", isTag: false };
  const isBack = (target: MoveTarget, from: string, results: readonly StepResult[] = []) =>
    isMoveBack([moved("shop", "labelled", { from })], results, target, MESH);
  expect(isBack(back, "asm-1-28")).toBe(true);
  expect(isBack(back, "canary")).toBe(true);
  expect(isBack(back, "asm-1-27")).toBe(false);
  expect(isBack(back, "asm-1-27", [restarted("shop")])).toBe(true);
  expect(isBack(TARGET, "asm-1-27")).toBe(false);
});
