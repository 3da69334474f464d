import { describe, expect, test } from "vitest";
import { managedFinding } from "../../../src/mesh/managed.ts";
import { bare, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import {
  AKS_GATEWAY,
  daemonSet,
  deployment,
  type WorkloadOptions,
} from "../../support/build/workload.ts";

const IMAGE = proxyImage("v1.27.9-6");
const GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name";
const MANAGED = "gateway.istio.io/managed";
const INJECT = "sidecar.istio.io/inject";

describe("a workload is managed:", () => {
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
      "a Gateway with the labels on the Deployment alone",
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
      "a Gateway whose template names the revision that rendered it",
      "gateway-api",
      {
        template: {
          labels: { [MANAGED]: "istio.io-gateway-controller" },
          annotations: { "istio.io/rev": "asm-1-27" },
          proxy: { image: IMAGE },
        },
        pods: [sidecars(2, IMAGE)],
      },
    ],
    ["a gateway of AKS", "aks-gateway", { ...AKS_GATEWAY, pods: [sidecars(2, IMAGE)] }],
    [
      "a gateway of AKS in a namespace that the user chose",
      "aks-gateway",
      { ...AKS_GATEWAY, namespace: "shop", pods: [sidecars(2, IMAGE)] },
    ],
    [
      "a gateway of AKS, by its component label alone",
      "aks-gateway",
      {
        ...AKS_GATEWAY,
        labels: { "azureservicemesh/istio.component": "egress-gateway" },
      },
    ],
    [
      "a gateway of AKS, by the label of its pods alone",
      "aks-gateway",
      {
        template: {
          ...AKS_GATEWAY.template,
          labels: { "kubernetes.azure.com/managedby": "aks" },
        },
        pods: [sidecars(2, IMAGE)],
      },
    ],
  ])("%s", (_what, code, options) => {
    const workload = deployment("gateway", options);
    expect(managedFinding(workload, workload.pods)).toMatchObject({ code, nextStep: "" });
  });

  test.each<[what: string, options: WorkloadOptions]>([
    ["by its arguments", { template: { proxy: { image: IMAGE, args: ["proxy", "ztunnel"] } } }],
    ["by its image", { template: { proxy: { image: "registry:5000/istio/ztunnel:1.31.0" } } }],
    ["by its image's digest", { template: { proxy: { image: "h/ztunnel@sha256:ab" } } }],
  ])("ztunnel, %s", (_what, options) => {
    const workload = daemonSet("ztunnel", { ...options, namespace: "kube-system" });
    expect(managedFinding(workload, workload.pods)).toMatchObject({ code: "ztunnel" });
  });
});

describe("a workload is not managed:", () => {
  test.each<[what: string, options: WorkloadOptions]>([
    ["a workload with a sidecar", { pods: [sidecars(2, IMAGE)] }],
    [
      "a user's gateway with an injected proxy",
      {
        template: {
          annotations: { "inject.istio.io/templates": "gateway" },
          proxy: { image: "auto", args: ["proxy", "router"] },
        },
        pods: [sidecars(2, IMAGE)],
      },
    ],
    [
      "a user's gateway with an injected proxy and the label of a Gateway",
      {
        template: {
          labels: { [GATEWAY_NAME]: "public", [INJECT]: "true" },
          proxy: { image: "auto", args: ["proxy", "router"] },
        },
        pods: [sidecars(2, IMAGE)],
      },
    ],
    [
      "a workload with the label of a Gateway alone",
      { template: { labels: { [GATEWAY_NAME]: "public" } }, pods: [sidecars(2, IMAGE)] },
    ],
    [
      "a workload that opts out by annotation: istiod uses a label",
      {
        template: { labels: { [GATEWAY_NAME]: "public" }, annotations: { [INJECT]: "false" } },
        pods: [sidecars(2, IMAGE)],
      },
    ],
    ["ztunnel in a label alone", { labels: { app: "ztunnel" }, pods: [sidecars(1, IMAGE)] }],
    ["an image with the suffix ztunnel", { template: { proxy: { image: "h/my-ztunnel:1" } } }],
    [
      "a user's sidecar with the label of a rendered gateway",
      { labels: { [MANAGED]: "istio.io-gateway-controller" }, pods: [sidecars(2, IMAGE)] },
    ],
    [
      "a user's injected gateway with the label of a rendered one",
      {
        template: { labels: { [MANAGED]: "x" }, proxy: { image: "auto" } },
        pods: [sidecars(2, IMAGE)],
      },
    ],
    [
      "a user's pinned gateway with the label of a rendered one, whose pods a webhook injects",
      {
        template: { labels: { [MANAGED]: "x" }, proxy: { image: IMAGE } },
        pods: [sidecars(2, IMAGE)],
      },
    ],
    [
      "a workload of AKS without a proxy",
      { labels: { "kubernetes.azure.com/managedby": "aks" }, pods: [bare(1)] },
    ],
    [
      "a user's sidecar with the labels of AKS",
      { ...AKS_GATEWAY, template: {}, pods: [sidecars(2, IMAGE)] },
    ],
    [
      "a sidecar in a namespace of AKS",
      { namespace: "aks-istio-ingress", pods: [sidecars(2, IMAGE)] },
    ],
    [
      "a gateway in a namespace of AKS, without the labels of AKS",
      { ...AKS_GATEWAY, labels: {}, pods: [sidecars(2, IMAGE)] },
    ],
    ["a workload without a proxy in the namespace of AKS", { namespace: "aks-istio-system" }],
    [
      "a label of Azure with another value",
      { labels: { "kubernetes.azure.com/managedby": "team" }, pods: [sidecars(1, IMAGE)] },
    ],
  ])("%s", (_what, options) => {
    const workload = deployment("web", options);
    expect(managedFinding(workload, workload.pods)).toBeUndefined();
  });
});
