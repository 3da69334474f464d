import { expect, test } from "vitest";
import { fieldManagerFor } from "../../../src/mesh/gitops.ts";
import { deployment } from "../../support/build/workload.ts";

const KUSTOMIZED = { "kustomize.toolkit.fluxcd.io/name": "apps" };

test.each<[what: string, labels: Record<string, string>, appliers: string[], name: string]>([
  ["Flux applied it", KUSTOMIZED, ["kustomize-controller"], "flux-client-side-apply"],
  ["others did, too", KUSTOMIZED, ["x", "kustomize-controller"], "flux-client-side-apply"],
  ["its manifest was applied by hand", KUSTOMIZED, ["kubectl"], "istio-upgrade"],
  ["nobody applied it", KUSTOMIZED, [], "istio-upgrade"],
  ["it is no Kustomization's any more", {}, ["kustomize-controller"], "istio-upgrade"],
])("the name of a restart where %s", (_what, labels, appliers, name) => {
  expect(fieldManagerFor({ ...deployment("web", { labels }), appliers })).toBe(name);
});

test("and where that was not read", () => {
  expect(fieldManagerFor(deployment("web", { labels: KUSTOMIZED }))).toBe("istio-upgrade");
});
