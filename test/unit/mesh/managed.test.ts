import { describe, expect, test } from "vitest";
import { classifyManaged } from "../../../src/mesh/managed.ts";
import { bare, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { daemonSet, deployment, type WorkloadOptions } from "../../support/build/workload.ts";

const IMAGE = proxyImage("v1.27.9-6");
const GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name";
const INJECT = "sidecar.istio.io/inject";

describe("somebody else keeps it current", () => {
  test.each<[what: string, code: string, options: WorkloadOptions]>([
    [
      "a Gateway that istiod renders",
      "gateway-api",
      {
        template: {
          labels: { [GATEWAY_NAME]: "public", [INJECT]: "false" },
          proxy: { image: IMAGE },
        },
      },
    ],
    [
      "one whose name is on the Deployment alone",
      "gateway-api",
      {
        labels: { [GATEWAY_NAME]: "public" },
        template: { labels: { [INJECT]: "false" }, proxy: { image: IMAGE } },
      },
    ],
    [
      "a waypoint",
      "gateway-api",
      {
        template: {
          labels: { "gateway.istio.io/managed": "istio.io-mesh-controller" },
          proxy: { image: IMAGE, args: ["proxy", "waypoint"] },
        },
      },
    ],
    [
      "AKS's gateway by its namespace",
      "aks-gateway",
      { namespace: "aks-istio-ingress", pods: [sidecars(2, IMAGE)] },
    ],
    [
      "AKS's gateway by its component label",
      "aks-gateway",
      {
        labels: { "azureservicemesh/istio.component": "ingress-gateway" },
        pods: [sidecars(2, IMAGE)],
      },
    ],
    [
      "AKS's gateway by the label of its pods",
      "aks-gateway",
      {
        template: { labels: { "kubernetes.azure.com/managedby": "aks" } },
        pods: [sidecars(2, IMAGE)],
      },
    ],
  ])("%s", (_what, code, options) => {
    const workload = deployment("gateway", options);
    expect(classifyManaged(workload, workload.pods)).toMatchObject({ code, nextStep: "" });
  });

  test.each<[what: string, options: WorkloadOptions]>([
    ["by its arguments", { template: { proxy: { image: IMAGE, args: ["proxy", "ztunnel"] } } }],
    ["by its image", { template: { proxy: { image: "registry:5000/istio/ztunnel:1.31.0" } } }],
    ["by its image's digest", { template: { proxy: { image: "h/ztunnel@sha256:ab" } } }],
  ])("ztunnel, %s", (_what, options) => {
    const workload = daemonSet("ztunnel", { ...options, namespace: "kube-system" });
    expect(classifyManaged(workload, workload.pods)).toMatchObject({ code: "ztunnel" });
  });
});

describe("it is ours", () => {
  test.each<[what: string, options: WorkloadOptions]>([
    ["a workload with a sidecar", { pods: [sidecars(2, IMAGE)] }],
    [
      "a user's gateway, injected",
      {
        template: {
          annotations: { "inject.istio.io/templates": "gateway" },
          proxy: { image: "auto", args: ["proxy", "router"] },
        },
        pods: [sidecars(2, IMAGE)],
      },
    ],
    [
      "a user's gateway that is injected, and bears a Gateway's name",
      {
        template: {
          labels: { [GATEWAY_NAME]: "public", [INJECT]: "true" },
          proxy: { image: "auto", args: ["proxy", "router"] },
        },
        pods: [sidecars(2, IMAGE)],
      },
    ],
    [
      "one that leaves injection to its namespace",
      { template: { labels: { [GATEWAY_NAME]: "public" } }, pods: [sidecars(2, IMAGE)] },
    ],
    [
      "one that refuses injection by annotation: istiod's own has a label",
      {
        template: { labels: { [GATEWAY_NAME]: "public" }, annotations: { [INJECT]: "false" } },
        pods: [sidecars(2, IMAGE)],
      },
    ],
    ["a ztunnel in the name alone", { labels: { app: "ztunnel" }, pods: [sidecars(1, IMAGE)] }],
    ["an image that ends alike", { template: { proxy: { image: "h/my-ztunnel:1" } } }],
    [
      "AKS's own, without any proxy: outside the mesh",
      { labels: { "kubernetes.azure.com/managedby": "aks" }, pods: [bare(1)] },
    ],
    ["what stands in AKS's namespace without a proxy", { namespace: "aks-istio-system" }],
    [
      "another namespace that begins nearly so",
      { namespace: "aks-istiod", pods: [sidecars(1, IMAGE)] },
    ],
    [
      "a label of Azure with another value",
      { labels: { "kubernetes.azure.com/managedby": "team" }, pods: [sidecars(1, IMAGE)] },
    ],
  ])("%s", (_what, options) => {
    const workload = deployment("web", options);
    expect(classifyManaged(workload, workload.pods)).toBeUndefined();
  });
});
