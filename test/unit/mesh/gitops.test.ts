import { expect, test } from "vitest";
import { fieldManagerFor } from "../../../src/mesh/gitops.ts";
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
