import { expect, test } from "vitest";
import { relevantAnnotations } from "../../../src/cluster/annotations.ts";

test("only annotations that a decision depends on are kept", () => {
  const relevant = {
    "sidecar.istio.io/inject": "true",
    "proxy.istio.io/config": "{}",
    "inject.istio.io/templates": "gateway",
    "istio.io/rev": "asm-1-27",
    "istio-upgrade/exclude": "true",
    "kubectl.kubernetes.io/restartedAt": "2026-11-22T20:00:00Z",
    "argocd.argoproj.io/tracking-id": "shop",
  };
  const others = {
    "kubectl.kubernetes.io/last-applied-configuration": "{}",
    "deployment.kubernetes.io/revision": "3",
    team: "shop",
  };
  expect(relevantAnnotations({ ...others, ...relevant })).toEqual(relevant);
  expect(relevantAnnotations(undefined)).toEqual({});
});
