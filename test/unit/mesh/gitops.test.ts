import { expect, test } from "vitest";
import { fieldManagerFor, operatorOf } from "../../../src/mesh/gitops.ts";
import { deployment } from "../../support/build/workload.ts";

const KUSTOMIZED = { "kustomize.toolkit.fluxcd.io/name": "apps" };

test.each<[what: string, labels: Record<string, string>, appliers: string[], name: string]>([
  ["Flux applied the workload", KUSTOMIZED, ["kustomize-controller"], "flux-client-side-apply"],
  [
    "Flux and others applied the workload",
    KUSTOMIZED,
    ["x", "kustomize-controller"],
    "flux-client-side-apply",
  ],
  ["only kubectl applied the workload", KUSTOMIZED, ["kubectl"], "istio-upgrade"],
  ["nobody applied the workload", KUSTOMIZED, [], "istio-upgrade"],
  [
    "the workload no longer belongs to a Kustomization",
    {},
    ["kustomize-controller"],
    "istio-upgrade",
  ],
])("the field manager of a restart if %s", (_what, labels, appliers, name) => {
  expect(fieldManagerFor({ ...deployment("web", { labels }), appliers })).toBe(name);
});

test("the field manager of a restart if the managers are unread", () => {
  expect(fieldManagerFor(deployment("web", { labels: KUSTOMIZED }))).toBe("istio-upgrade");
});

const MANAGED_BY = "app.kubernetes.io/managed-by";

test.each<[labels: Record<string, string>, name: string | undefined]>([
  [{}, undefined],
  [{ [MANAGED_BY]: "prometheus-operator" }, "prometheus-operator"],
  [{ [MANAGED_BY]: "strimzi-cluster-operator" }, "strimzi-cluster-operator"],
  [{ [MANAGED_BY]: "Helm" }, undefined],
  [{ [MANAGED_BY]: "Terraform" }, undefined],
  [{ [MANAGED_BY]: "argocd" }, undefined],
  [{ [MANAGED_BY]: "flux-system" }, undefined],
  [{ [MANAGED_BY]: "" }, undefined],
  [{ "olm.owner": "etcd.v1", "olm.owner.kind": "ClusterServiceVersion" }, "etcd.v1"],
  [{ "addonmanager.kubernetes.io/mode": "Reconcile" }, "the addon manager"],
  [{ "addonmanager.kubernetes.io/mode": "EnsureExists" }, undefined],
])("the operator that the labels %j name is %s", (labels, name) => {
  expect(operatorOf(deployment("web", { labels }))?.name).toBe(name);
});

test("a controller comes before the labels", () => {
  const controller = { kind: "Prometheus", name: "main" };
  const workload = deployment("web", { labels: { [MANAGED_BY]: "prometheus-operator" } });
  expect(operatorOf({ ...workload, controller })).toEqual({
    name: "Prometheus main",
    role: "controls it",
  });
});
