import { describe, expect, test } from "vitest";
import { resolveMesh } from "../../../src/mesh/mesh.ts";
import {
  appliedLabelWarning,
  decideMove,
  followsTarget,
  labelsToSend,
  moveTarget,
  type MoveTarget,
  withChange,
} from "../../../src/mesh/namespace-move.ts";
import type { Labels, OwnedNamespace } from "../../../src/snapshot.ts";
import { controlPlane } from "../../support/build/control-plane.ts";
import { formatStep } from "../../support/build/next-step.ts";
import { proxyImage } from "../../support/build/pod-group.ts";

const OLD = { name: "asm-1-27", values: { image: proxyImage("v1.27.7-1") } };
const NEW = { name: "asm-1-28", values: { image: proxyImage("v1.28.1-1") } };
const MESH = resolveMesh(
  controlPlane({ revisions: [OLD, NEW], tags: { stable: "asm-1-27", canary: "asm-1-28" } }),
);

function owned(labels: Labels, change: Partial<OwnedNamespace> = {}): OwnedNamespace {
  return {
    name: "shop",
    labels,
    annotations: {},
    uid: "u",
    resourceVersion: "1",
    labelManagers: new Map([["istio.io/rev", ["kubectl-label"]]]),
    appliedLabels: [],
    ...change,
  };
}

const by = (...managers: readonly string[]) => new Map([["istio.io/rev", managers]]);

function target(name: string): MoveTarget {
  const found = moveTarget(name, MESH);
  if (found === undefined) throw new Error(`no target ${name}`);
  return found;
}

function decide(namespace: OwnedNamespace, to: string, dropInjectionLabel = false) {
  const byLabel = new Map([["stable", ["pay", "shop"]]]);
  const options = { dropInjectionLabel, moved: ["shop"], byLabel };
  const decision = decideMove(namespace, target(to), MESH, options);
  return decision.kind === "refused" ? decision.finding.code : decision.kind;
}

test("a target is a revision or a tag, and nothing else", () => {
  expect(moveTarget("asm-1-28", MESH)).toEqual({
    label: "asm-1-28",
    revision: "asm-1-28",
    isTag: false,
  });
  expect(moveTarget("canary", MESH)).toEqual({
    label: "canary",
    revision: "asm-1-28",
    isTag: true,
  });
  expect(moveTarget("asm-1-29", MESH)).toBeUndefined();
});

test.each<[string, Labels, string, boolean]>([
  ["the label itself", { "istio.io/rev": "asm-1-28" }, "asm-1-28", true],
  ["a tag", { "istio.io/rev": "canary" }, "asm-1-28", true],
  ["another revision", { "istio.io/rev": "asm-1-27" }, "asm-1-28", false],
  ["no label", {}, "asm-1-28", false],
  ["both labels", { "istio.io/rev": "asm-1-28", "istio-injection": "enabled" }, "asm-1-28", false],
  ["the tag that was asked for", { "istio.io/rev": "canary" }, "canary", true],
  ["its revision instead of the tag", { "istio.io/rev": "asm-1-28" }, "canary", false],
])("%s leads to the target: %j to %s, %s", (_name, labels, to, follows) => {
  expect(followsTarget(labels, target(to), MESH)).toBe(follows);
});

const PLAIN = { "istio.io/rev": "asm-1-27" };

describe("the decision about a namespace", () => {
  test.each<[string, OwnedNamespace, string, string]>([
    ["a label of another revision", owned(PLAIN), "asm-1-28", "label"],
    [
      "a label of a revision that is gone",
      owned({ "istio.io/rev": "asm-1-25" }),
      "asm-1-28",
      "label",
    ],
    [
      "a label that leads there already",
      owned({ "istio.io/rev": "canary" }),
      "asm-1-28",
      "follows",
    ],
    ["a tag of the old revision", owned({ "istio.io/rev": "stable" }), "asm-1-28", "follows-tag"],
    ["a tag for a tag", owned({ "istio.io/rev": "stable" }), "canary", "label"],
    ["a revision for a tag", owned(PLAIN), "canary", "label"],
    ["no label", owned({}), "asm-1-28", "not-in-mesh"],
    ["istio-injection", owned({ "istio-injection": "enabled" }), "asm-1-28", "injection-label"],
    [
      "istio-injection beside the label",
      owned({ ...PLAIN, "istio-injection": "disabled" }),
      "asm-1-28",
      "injection-label",
    ],
    [
      "the namespace of istiod",
      owned(PLAIN, { name: "aks-istio-system" }),
      "asm-1-28",
      "reserved-namespace",
    ],
    [
      "a namespace of Kubernetes",
      owned(PLAIN, { name: "kube-system" }),
      "asm-1-28",
      "reserved-namespace",
    ],
    [
      "a namespace that AKS manages",
      owned({ ...PLAIN, "kubernetes.azure.com/managedby": "aks" }),
      "asm-1-28",
      "reserved-namespace",
    ],
    [
      "a label of Flux",
      owned(PLAIN, { labelManagers: by("kustomize-controller") }),
      "asm-1-28",
      "label-owned",
    ],
    [
      "a label of Argo CD and kubectl",
      owned(PLAIN, { labelManagers: by("kubectl", "argocd-controller") }),
      "asm-1-28",
      "label-owned",
    ],
    [
      "a label of Terraform",
      owned(PLAIN, { labelManagers: by("Terraform") }),
      "asm-1-28",
      "label-owned",
    ],
    ["a label of Helm", owned(PLAIN, { labelManagers: by("helm") }), "asm-1-28", "label-owned"],
    [
      "a label of somebody unknown",
      owned(PLAIN, { labelManagers: by("node-fetch") }),
      "asm-1-28",
      "label-owned",
    ],
    [
      "a label of kubectl edit and apply",
      owned(PLAIN, { labelManagers: by("kubectl-edit", "kubectl-client-side-apply", "kubectl") }),
      "asm-1-28",
      "label",
    ],
    [
      "a label of this program",
      owned(PLAIN, { labelManagers: by("istio-upgrade") }),
      "asm-1-28",
      "label",
    ],
    [
      "a label of Flux that leads there",
      owned({ "istio.io/rev": "asm-1-28" }, { labelManagers: by("kustomize-controller") }),
      "asm-1-28",
      "follows",
    ],
    [
      "a tag that this program set, back",
      owned({ "istio.io/rev": "canary" }, { labelManagers: by("istio-upgrade") }),
      "asm-1-27",
      "label",
    ],
    [
      "a tag that this program set, forward",
      owned({ "istio.io/rev": "stable" }, { labelManagers: by("istio-upgrade") }),
      "asm-1-28",
      "follows-tag",
    ],
    [
      "a tag that a person set, back",
      owned({ "istio.io/rev": "canary" }),
      "asm-1-27",
      "follows-tag",
    ],
  ])("%s: %#", (_name, namespace, to, expected) => {
    expect(decide(namespace, to)).toBe(expected);
  });

  test("removes istio-injection only if the user wants it, and nobody owns it", () => {
    const namespace = owned({ "istio-injection": "enabled" }, { labelManagers: new Map() });
    expect(decide(namespace, "asm-1-28", true)).toBe("label");
    const byFlux = new Map([["istio-injection", ["kustomize-controller"]]]);
    expect(decide({ ...namespace, labelManagers: byFlux }, "asm-1-28", true)).toBe("label-owned");
  });

  test("names the namespaces that follow the same tag, and the commands to type", () => {
    const options = {
      dropInjectionLabel: false,
      moved: ["shop"],
      byLabel: new Map([["stable", ["shop", "pay"]]]),
    };
    const decision = decideMove(
      owned({ "istio.io/rev": "stable" }),
      target("asm-1-28"),
      MESH,
      options,
    );
    if (decision.kind !== "refused") throw new Error("not refused");
    expect(decision.isAwaited).toBe(true);
    expect(decision.finding.reason).toBe(
      "namespace shop follows the tag stable, which leads to asm-1-27; with it move: pay",
    );
    expect(formatStep(decision.finding.nextStep)).toBe(
      "move the tag, then the pods: istioctl tag set stable --revision asm-1-28 --istioNamespace aks-istio-system --overwrite && istio-upgrade move pay shop --to asm-1-28",
    );
  });

  test("says where the owner of a label reads it", () => {
    const labels = { ...PLAIN, "kustomize.toolkit.fluxcd.io/name": "apps" };
    const namespace = owned(labels, { labelManagers: by("kustomize-controller") });
    const options = { dropInjectionLabel: false, moved: ["shop"], byLabel: undefined };
    const decision = decideMove(namespace, target("asm-1-28"), MESH, options);
    if (decision.kind !== "refused") throw new Error("not refused");
    expect(formatStep(decision.finding.nextStep)).toBe(
      "set the label istio.io/rev=asm-1-28 of the namespace in the source of the Kustomization apps of Flux; to restart as soon as the label has changed: istio-upgrade move shop --to asm-1-28 --wait-for-label 30m",
    );
  });
});

test("a change of labels keeps all others", () => {
  const change = { from: "asm-1-27", injection: "enabled", to: "asm-1-28" };
  expect(labelsToSend(change)).toEqual({ "istio.io/rev": "asm-1-28", "istio-injection": null });
  const labels = { team: "pay", "istio.io/rev": "asm-1-27", "istio-injection": "enabled" };
  expect(withChange({ name: "shop", labels, annotations: {} }, change).labels).toEqual({
    team: "pay",
    "istio.io/rev": "asm-1-28",
  });
});

test("a manifest with the label is named, because its next apply sets the label back", () => {
  expect(appliedLabelWarning(owned(PLAIN))).toBeUndefined();
  expect(appliedLabelWarning(owned(PLAIN, { appliedLabels: ["istio.io/rev"] }))).toMatch(
    /^the manifest of namespace shop has the label istio.io\/rev/,
  );
});
