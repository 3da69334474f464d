import type { Case, ControlPlane } from "./world.ts";

const BOTH: ControlPlane = { revisions: { "asm-1-27": {}, "asm-1-28": {} } };
const COMPOSED: ControlPlane = {
  revisions: {
    "asm-1-27": { image: { hub: "docker.io/istio", name: "proxyv2", tag: "1.30.1" } },
  },
};
const unchanged = { before: BOTH, now: BOTH };

/** Regression cases: each failed once in a random world. */
export const CASES: readonly (readonly [name: string, kept: Case])[] = [
  [
    "a template's own container istio-proxy with the image auto is blocked if nothing injects it",
    {
      ...unchanged,
      namespaceLabels: { before: { "istio.io/rev": "gone" }, now: { "istio.io/rev": "gone" } },
      workload: { kind: "StatefulSet", when: "now", proxy: "auto" },
    },
  ],
  [
    "a template's own container istio-proxy is not a sidecar in pods older than the namespace's label",
    {
      ...unchanged,
      namespaceLabels: { before: {}, now: { "istio.io/rev": "asm-1-27" } },
      workload: { kind: "DaemonSet", when: "before", proxy: "custom:1" },
    },
  ],
  [
    "the pin of a native sidecar is found in a pod without a readable template",
    {
      ...unchanged,
      namespaceLabels: {
        before: { "istio.io/rev": "asm-1-27" },
        now: { "istio.io/rev": "asm-1-27" },
      },
      workload: {
        kind: "CronJob",
        when: "now",
        annotations: { "sidecar.istio.io/nativeSidecar": "true" },
        proxy: "custom:1",
      },
    },
  ],
  [
    "two injection templates that both add a native sidecar lead to a rejected pod",
    {
      ...unchanged,
      namespaceLabels: {
        before: { "istio.io/rev": "asm-1-28" },
        now: { "istio.io/rev": "asm-1-28" },
      },
      workload: {
        kind: "Deployment",
        when: "now",
        annotations: { "inject.istio.io/templates": "sidecar,gateway" },
      },
    },
  ],
  [
    "a tag without its revision blocks pods even if no revision is installed",
    {
      before: { revisions: {}, tags: { prod: "asm-1-28" } },
      now: { revisions: {}, tags: { prod: "asm-1-28" } },
      namespaceLabels: { before: {}, now: { "istio.io/rev": "prod" } },
      workload: { kind: "Deployment", when: "before" },
    },
  ],
  [
    "a rejection of the init container by PodSecurity is predicted",
    {
      ...unchanged,
      namespaceLabels: {
        before: { "istio.io/rev": "asm-1-27" },
        now: { "istio.io/rev": "asm-1-27", "pod-security.kubernetes.io/enforce": "baseline" },
      },
      workload: { kind: "StatefulSet", when: "before" },
    },
  ],
  [
    "PodSecurity restricted rejects a gateway, whose container lacks allowPrivilegeEscalation",
    {
      ...unchanged,
      namespaceLabels: {
        before: { "istio.io/rev": "asm-1-28" },
        now: { "istio.io/rev": "asm-1-28", "pod-security.kubernetes.io/enforce": "restricted" },
      },
      workload: {
        kind: "Deployment",
        when: "before",
        annotations: { "inject.istio.io/templates": "gateway" },
        proxy: "auto",
      },
    },
  ],
  [
    "PodSecurity baseline accepts a gateway",
    {
      ...unchanged,
      namespaceLabels: {
        before: { "istio.io/rev": "asm-1-28" },
        now: { "istio.io/rev": "asm-1-28", "pod-security.kubernetes.io/enforce": "baseline" },
      },
      workload: {
        kind: "DaemonSet",
        when: "before",
        annotations: { "inject.istio.io/templates": "gateway" },
      },
    },
  ],
  [
    "the dry run of a bare pod uses the pod as it was before injection",
    {
      before: { revisions: { "asm-1-28": { template: "foreign" } } },
      now: { revisions: { "asm-1-28": { template: "foreign" } } },
      namespaceLabels: {
        before: { "istio.io/rev": "asm-1-28" },
        now: { "istio.io/rev": "asm-1-28" },
      },
      workload: { kind: "Pod", when: "before", proxy: "custom:1" },
    },
  ],
  [
    "the dry run of a Job with an ordinary sidecar and a pin uses the pod as it was before injection",
    {
      before: { revisions: { "asm-1-27": { template: "foreign" } } },
      now: { revisions: { "asm-1-27": { template: "foreign" } } },
      namespaceLabels: {
        before: { "istio.io/rev": "asm-1-27" },
        now: { "istio.io/rev": "asm-1-27" },
      },
      workload: { kind: "Job", when: "before", proxy: "custom:1" },
    },
  ],
  [
    "the dry run of a pod with a native sidecar may give an ordinary one",
    {
      ...unchanged,
      namespaceLabels: {
        before: { "istio.io/rev": "asm-1-28" },
        now: { "istio.io/rev": "asm-1-27" },
      },
      workload: { kind: "Job", when: "before", proxy: "auto" },
    },
  ],
  [
    "the dry run of a pod with an ordinary sidecar may give a native one",
    {
      ...unchanged,
      namespaceLabels: {
        before: { "istio.io/rev": "asm-1-27" },
        now: { "istio.io/rev": "asm-1-28" },
      },
      workload: { kind: "Pod", when: "before", proxy: "custom:1" },
    },
  ],
  [
    "a workload would lose its sidecar even if PodSecurity rejects its pods",
    {
      ...unchanged,
      namespaceLabels: {
        before: { "istio.io/rev": "asm-1-28" },
        now: { "pod-security.kubernetes.io/enforce": "restricted" },
      },
      workload: { kind: "Deployment", when: "before" },
    },
  ],
  [
    "webhooks may select by a label that only the controller adds",
    {
      before: BOTH,
      now: {
        revisions: {
          "asm-1-27": {
            neverInjectSelector: [
              { matchExpressions: [{ key: "pod-template-hash", operator: "Exists" }] },
            ],
          },
        },
      },
      namespaceLabels: {
        before: { "istio.io/rev": "asm-1-27" },
        now: { "istio.io/rev": "asm-1-27" },
      },
      workload: { kind: "Deployment", when: "before" },
    },
  ],
  [
    "a pin is reported even if the injection template has an unknown form",
    {
      before: { revisions: { "asm-1-27": { template: "foreign" } } },
      now: { revisions: { "asm-1-27": { template: "foreign" } } },
      namespaceLabels: {
        before: { "istio.io/rev": "asm-1-27" },
        now: { "istio.io/rev": "asm-1-27" },
      },
      workload: {
        kind: "Deployment",
        when: "now",
        annotations: { "sidecar.istio.io/proxyImage": "x/proxyv2:v9" },
      },
    },
  ],
  [
    "a pin with an empty value is reported if it changes the image",
    {
      before: { revisions: { "asm-1-28": { template: "foreign" } } },
      now: { revisions: { "asm-1-28": { template: "foreign" } } },
      namespaceLabels: {
        before: { "istio.io/rev": "asm-1-28" },
        now: { "istio.io/rev": "asm-1-28" },
      },
      workload: {
        kind: "Deployment",
        when: "now",
        annotations: { "sidecar.istio.io/proxyImage": "" },
      },
    },
  ],
  [
    "a user's workload with a label of AKS, in a namespace that is named like one of AKS, lags",
    {
      before: BOTH,
      now: { revisions: { ...BOTH.revisions, "asm-1-27": { image: "registry:5000/p:1" } } },
      namespaceLabels: {
        before: { "istio.io/rev": "asm-1-27" },
        now: { "istio.io/rev": "asm-1-27" },
        aks: true,
      },
      workload: { kind: "Deployment", when: "before", aks: true },
    },
  ],
  [
    "a gateway with a label of AKS is managed",
    {
      before: BOTH,
      now: { revisions: { ...BOTH.revisions, "asm-1-27": { image: "registry:5000/p:1" } } },
      namespaceLabels: {
        before: { "istio.io/rev": "asm-1-27" },
        now: { "istio.io/rev": "asm-1-27" },
      },
      workload: { kind: "Deployment", when: "before", aks: true, proxy: "auto" },
    },
  ],
  [
    "a gateway with the image auto would lose its sidecar while an injected pod runs",
    {
      ...unchanged,
      namespaceLabels: { before: { "istio.io/rev": "asm-1-27" }, now: {} },
      workload: { kind: "DaemonSet", when: "before", proxy: "auto" },
    },
  ],
  [
    "a sidecar that was injected by hand is replaced by a webhook",
    {
      before: BOTH,
      now: { revisions: { ...BOTH.revisions, "asm-1-27": { image: "registry:5000/p:1" } } },
      namespaceLabels: {
        before: { "istio.io/rev": "asm-1-27" },
        now: { "istio.io/rev": "asm-1-27" },
      },
      workload: { kind: "Deployment", when: "before", byHand: true },
    },
  ],
  [
    "a sidecar that was injected by hand stays if the revision injects native ones",
    {
      before: BOTH,
      now: { revisions: { ...BOTH.revisions, "asm-1-27": { image: "registry:5000/p:1" } } },
      namespaceLabels: { before: {}, now: { "istio.io/rev": "asm-1-28" } },
      workload: { kind: "StatefulSet", when: "before", byHand: true },
    },
  ],
  [
    "a sidecar that was injected by hand keeps its image, and gets the revision of the webhook",
    {
      before: BOTH,
      now: {
        revisions: {
          ...BOTH.revisions,
          "asm-1-28": { image: "registry:5000/p:1", custom: "initContainers" },
        },
      },
      namespaceLabels: { before: {}, now: { "istio.io/rev": "asm-1-28" } },
      workload: { kind: "DaemonSet", when: "now", byHand: true },
    },
  ],
  [
    "a workload lags behind a tag without a readable version in another registry",
    {
      before: BOTH,
      now: {
        revisions: {
          ...BOTH.revisions,
          "asm-1-27": { image: { hub: "registry:5000/istio", name: "", tag: 20240626 } },
        },
      },
      namespaceLabels: {
        before: { "istio.io/rev": "asm-1-27" },
        now: { "istio.io/rev": "asm-1-27" },
      },
      workload: { kind: "CronJob", when: "before" },
    },
  ],
  [
    "a sidecar that was injected by hand stays without a webhook",
    {
      before: BOTH,
      now: { revisions: { ...BOTH.revisions, "asm-1-27": { image: "registry:5000/p:1" } } },
      namespaceLabels: { before: {}, now: {} },
      workload: { kind: "DaemonSet", when: "before", byHand: true },
    },
  ],
  [
    "a sidecar that was injected by hand is blocked once its revision is gone",
    {
      before: BOTH,
      now: { revisions: { "asm-1-28": {} } },
      namespaceLabels: { before: {}, now: {} },
      workload: { kind: "Deployment", when: "before", byHand: true },
    },
  ],
  [
    "pods that lost the annotations of injection still have a sidecar",
    {
      ...unchanged,
      namespaceLabels: { before: { "istio.io/rev": "asm-1-27" }, now: {} },
      workload: { kind: "Deployment", when: "before", stripped: true },
    },
  ],
  [
    "a bare pod that lost the annotations of injection lags",
    {
      before: BOTH,
      now: { revisions: { ...BOTH.revisions, "asm-1-27": { image: "registry:5000/p:1" } } },
      namespaceLabels: {
        before: { "istio.io/rev": "asm-1-27" },
        now: { "istio.io/rev": "asm-1-27" },
      },
      workload: { kind: "Pod", when: "before", stripped: true },
    },
  ],
  [
    "an injection template with the proxy under initContainers fits a native sidecar",
    {
      before: BOTH,
      now: { revisions: { "asm-1-28": { custom: "initContainers" } } },
      namespaceLabels: {
        before: { "istio.io/rev": "asm-1-28" },
        now: { "istio.io/rev": "asm-1-28" },
      },
      workload: {
        kind: "Deployment",
        when: "before",
        annotations: { "inject.istio.io/templates": "sidecar,custom" },
      },
    },
  ],
  [
    "an injection template with the proxy under containers collides with a native sidecar",
    {
      before: BOTH,
      now: { revisions: { "asm-1-28": { custom: "containers" } } },
      namespaceLabels: {
        before: { "istio.io/rev": "asm-1-28" },
        now: { "istio.io/rev": "asm-1-28" },
      },
      workload: {
        kind: "Deployment",
        when: "now",
        annotations: { "inject.istio.io/templates": "sidecar,custom" },
      },
    },
  ],
  [
    "a workload without a sidecar would get the image that a policy changes",
    {
      ...unchanged,
      namespaceLabels: { before: {}, now: { "istio.io/rev": "asm-1-27" }, rewrite: "registry" },
      workload: { kind: "StatefulSet", when: "before" },
    },
  ],
  [
    "a policy may add a digest to a pinned image",
    {
      ...unchanged,
      namespaceLabels: {
        before: { "istio.io/rev": "asm-1-27" },
        now: { "istio.io/rev": "asm-1-27" },
        rewrite: "digest",
      },
      workload: {
        kind: "Job",
        when: "now",
        annotations: { "sidecar.istio.io/proxyImage": "x/proxyv2:v9" },
      },
    },
  ],
  [
    "a CronJob that was injected by hand keeps its sidecar without a webhook",
    {
      ...unchanged,
      namespaceLabels: { before: {}, now: {} },
      workload: { kind: "CronJob", when: "before", byHand: true },
    },
  ],
  [
    "a workload lags behind the control plane of another mesh",
    {
      before: { revisions: { "other-mesh": {} } },
      now: { revisions: { "asm-1-27": {}, "other-mesh": { image: "registry:5000/p:1" } } },
      namespaceLabels: {
        before: { "istio.io/rev": "other-mesh" },
        now: { "istio.io/rev": "other-mesh" },
      },
      workload: { kind: "DaemonSet", when: "before" },
    },
  ],
  [
    "a ProxyConfig changes a composed image",
    {
      before: COMPOSED,
      now: COMPOSED,
      namespaceLabels: {
        before: { "istio.io/rev": "asm-1-27" },
        now: { "istio.io/rev": "asm-1-27" },
        proxyConfig: "debug",
      },
      workload: { kind: "StatefulSet.apps.worlds.example", when: "before", selected: true },
    },
  ],
  [
    "a workload with a container istio-proxy of its own would lose its sidecar, even if its pods are rejected",
    {
      before: { revisions: { "asm-1-27": { custom: "containers" } } },
      now: { revisions: { "asm-1-28": { failurePolicy: "Ignore" } } },
      namespaceLabels: {
        before: { "istio.io/rev": "asm-1-27" },
        now: { "istio.io/rev": "asm-1-27", "pod-security.kubernetes.io/enforce": "restricted" },
      },
      workload: { kind: "StatefulSet", when: "before", proxy: "custom:1" },
    },
  ],
  [
    "a workload that opts out is outside the mesh, even if a webhook has conditions and its pods are rejected",
    {
      before: { revisions: { "asm-1-27": { matchConditions: true } } },
      now: { revisions: { "asm-1-27": { matchConditions: true, failurePolicy: "Ignore" } } },
      namespaceLabels: {
        before: { "istio.io/rev": "asm-1-27" },
        now: { "istio.io/rev": "asm-1-27", "pod-security.kubernetes.io/enforce": "restricted" },
      },
      workload: {
        kind: "DaemonSet",
        when: "now",
        annotations: { "sidecar.istio.io/inject": "false" },
      },
    },
  ],
  [
    "a gateway with the labels of AKS keeps a revision in use that AKS does not install",
    {
      ...unchanged,
      namespaceLabels: {
        before: { "istio.io/rev": "asm-1-27" },
        now: { "istio.io/rev": "asm-1-27" },
      },
      workload: {
        kind: "DaemonSet",
        when: "now",
        labels: { "istio.io/rev": "other-mesh" },
        proxy: "custom:1",
        aks: true,
      },
    },
  ],
];
