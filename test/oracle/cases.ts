import type { Case, Plane } from "./world.ts";

const BOTH: Plane = { revisions: { "asm-1-27": {}, "asm-1-28": {} } };
const still = { before: BOTH, now: BOTH };

/** Cases that are kept: once found in a random world, reduced, and held from then on. */
export const CASES: readonly (readonly [name: string, kept: Case])[] = [
  [
    "a template's own container istio-proxy is no sidecar where nothing is injected",
    {
      ...still,
      place: { before: { "istio.io/rev": "gone" }, now: { "istio.io/rev": "gone" } },
      workload: { kind: "StatefulSet", when: "now", proxy: "auto" },
    },
  ],
  [
    "nor is it one in pods made before the namespace got its label",
    {
      ...still,
      place: { before: {}, now: { "istio.io/rev": "asm-1-27" } },
      workload: { kind: "DaemonSet", when: "before", proxy: "custom:1" },
    },
  ],
  [
    "the pin of a native sidecar is known from the pod alone",
    {
      ...still,
      place: { before: { "istio.io/rev": "asm-1-27" }, now: { "istio.io/rev": "asm-1-27" } },
      workload: {
        kind: "CronJob",
        when: "now",
        annotations: { "sidecar.istio.io/nativeSidecar": "true" },
        proxy: "custom:1",
      },
    },
  ],
  [
    "two templates that both bring a native sidecar make a pod that is refused",
    {
      ...still,
      place: { before: { "istio.io/rev": "asm-1-28" }, now: { "istio.io/rev": "asm-1-28" } },
      workload: {
        kind: "Deployment",
        when: "now",
        annotations: { "inject.istio.io/templates": "sidecar,gateway" },
      },
    },
  ],
  [
    "a tag that was left behind blocks pods, also where no revision is left at all",
    {
      before: { revisions: {}, tags: { prod: "asm-1-28" } },
      now: { revisions: {}, tags: { prod: "asm-1-28" } },
      place: { before: {}, now: { "istio.io/rev": "prod" } },
      workload: { kind: "Deployment", when: "before" },
    },
  ],
  [
    "PodSecurity refuses the init container of a sidecar, and that is foreseen",
    {
      ...still,
      place: {
        before: { "istio.io/rev": "asm-1-27" },
        now: { "istio.io/rev": "asm-1-27", "pod-security.kubernetes.io/enforce": "baseline" },
      },
      workload: { kind: "StatefulSet", when: "before" },
    },
  ],
  [
    "PodSecurity restricted refuses a gateway, whose container says nothing of privileges",
    {
      ...still,
      place: {
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
    "PodSecurity baseline lets a gateway be",
    {
      ...still,
      place: {
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
    "a bare pod is proved as it was before injection",
    {
      before: { revisions: { "asm-1-28": { template: "foreign" } } },
      now: { revisions: { "asm-1-28": { template: "foreign" } } },
      place: { before: { "istio.io/rev": "asm-1-28" }, now: { "istio.io/rev": "asm-1-28" } },
      workload: { kind: "Pod", when: "before", proxy: "custom:1" },
    },
  ],
  [
    "so is a Job, an ordinary sidecar's and with a pin of its own",
    {
      before: { revisions: { "asm-1-27": { template: "foreign" } } },
      now: { revisions: { "asm-1-27": { template: "foreign" } } },
      place: { before: { "istio.io/rev": "asm-1-27" }, now: { "istio.io/rev": "asm-1-27" } },
      workload: { kind: "Job", when: "before", proxy: "custom:1" },
    },
  ],
  [
    "a pod with a native sidecar is proved as it was before, also where it gets an ordinary one",
    {
      ...still,
      place: { before: { "istio.io/rev": "asm-1-28" }, now: { "istio.io/rev": "asm-1-27" } },
      workload: { kind: "Job", when: "before", proxy: "auto" },
    },
  ],
  [
    "and the other way round",
    {
      ...still,
      place: { before: { "istio.io/rev": "asm-1-27" }, now: { "istio.io/rev": "asm-1-28" } },
      workload: { kind: "Pod", when: "before", proxy: "custom:1" },
    },
  ],
  [
    "what would lose its sidecar would do so, also where its pods are refused for their own sake",
    {
      ...still,
      place: {
        before: { "istio.io/rev": "asm-1-28" },
        now: { "pod-security.kubernetes.io/enforce": "restricted" },
      },
      workload: { kind: "Deployment", when: "before" },
    },
  ],
  [
    "webhooks may select by a label that only the controller sets",
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
      place: { before: { "istio.io/rev": "asm-1-27" }, now: { "istio.io/rev": "asm-1-27" } },
      workload: { kind: "Deployment", when: "before" },
    },
  ],
  [
    "a proved pin is a pin, also where the template's own rule is foreign",
    {
      before: { revisions: { "asm-1-27": { template: "foreign" } } },
      now: { revisions: { "asm-1-27": { template: "foreign" } } },
      place: { before: { "istio.io/rev": "asm-1-27" }, now: { "istio.io/rev": "asm-1-27" } },
      workload: {
        kind: "Deployment",
        when: "now",
        annotations: { "sidecar.istio.io/proxyImage": "x/proxyv2:v9" },
      },
    },
  ],
  [
    "also a pin that is no image itself, and yet moves it",
    {
      before: { revisions: { "asm-1-28": { template: "foreign" } } },
      now: { revisions: { "asm-1-28": { template: "foreign" } } },
      place: { before: { "istio.io/rev": "asm-1-28" }, now: { "istio.io/rev": "asm-1-28" } },
      workload: {
        kind: "Deployment",
        when: "now",
        annotations: { "sidecar.istio.io/proxyImage": "" },
      },
    },
  ],
];
