import {
  EXCLUDE,
  INJECT,
  INJECTION,
  INJECTION_TEMPLATES,
  PROXY_CONFIG,
  PROXY_IMAGE,
  PROXY_IMAGE_TYPE,
  REVISION,
} from "../istio-labels.ts";
import { newPodOf } from "../kubernetes/controller-labels.ts";
import { formatRequirement } from "../kubernetes/selector.ts";
import { listing } from "../wording.ts";
import {
  isInjectedByHand,
  type Labels,
  type NamedPod,
  type Namespace,
  type PodGroup,
  type Workload,
} from "../snapshot.ts";
import type { Assessment } from "./assessment.ts";
import { type InjectorMatch, matchInjectors } from "./injector-match.ts";
import type { Injector, Mesh, Outage, Revision } from "./mesh.ts";
import { type Prediction, predictNewPod } from "./prediction.ts";
import { countPods, type RunningPods } from "./running-pods.ts";

/** One step of the decision about a workload: an object, and its effect on the decision. */
export interface TraceStep {
  readonly step: "namespace" | "template" | "webhook" | "revision" | "target" | "pods" | "pod";
  /** The object, for example `namespace/shop` or `configmap/istio-sidecar-injector-asm-1-27`. */
  readonly subject: string;
  /** A stable word such as `matched`, `not-matched`, `unread` or `injected`. */
  readonly result: string;
  readonly detail: string;
}

/** A workload, its assessment, and everything that the assessment was made from. */
export interface TraceInput {
  readonly workload: Workload;
  /** `undefined` if the namespace could not be read. */
  readonly namespace: Namespace | undefined;
  readonly mesh: Mesh;
  /** `undefined` for a workload outside the mesh. */
  readonly assessment: Assessment | undefined;
  /** The pod that the user named, if any. */
  readonly pod: NamedPod | undefined;
}

/** Lists the steps of the decision about one workload, in the order in which they are made. */
export function traceDecision(input: TraceInput): readonly TraceStep[] {
  const { workload, namespace, mesh, assessment, pod } = input;
  const prediction = predictNewPod(workload, namespace, mesh);
  const newPod = newPodOf(workload);
  const matches =
    newPod && namespace && mesh.injectors ? matchInjectors(newPod, namespace, mesh.injectors) : [];
  const called = matches.flatMap((match) => (match.called ? [match.injector] : []));
  return [
    namespaceStep(workload.namespace, namespace, mesh),
    templateStep(workload, mesh),
    ...matches.map(webhookStep),
    ...revisionSteps(called, mesh),
    targetStep(prediction, mesh),
    ...proofSteps(assessment),
    ...podsSteps(workload, assessment),
    ...(pod === undefined ? [] : [podStep(pod)]),
  ];
}

/** The annotations of a pod template that decide injection or the image. */
const DECISIVE_ANNOTATIONS = [
  INJECT,
  PROXY_IMAGE,
  PROXY_IMAGE_TYPE,
  INJECTION_TEMPLATES,
  PROXY_CONFIG,
];

function namespaceStep(name: string, namespace: Namespace | undefined, mesh: Mesh): TraceStep {
  const step = { step: "namespace", subject: `namespace/${name}` } as const;
  if (namespace === undefined) {
    return { ...step, result: "unread", detail: "could not read its labels" };
  }
  const labels = pick(namespace.labels, [
    REVISION,
    INJECTION,
    ...keysOf(mesh, ({ namespaceSelector }) => namespaceSelector),
  ]);
  const annotations = pick(namespace.annotations, [EXCLUDE]).map((text) => `annotation ${text}`);
  const facts = [...labels, ...annotations];
  return { ...step, result: "read", detail: facts.join(", ") || `no ${REVISION}, no ${INJECTION}` };
}

function templateStep({ kind, name, template, annotations }: Workload, mesh: Mesh): TraceStep {
  const step = { step: "template", subject: `${kind.toLowerCase()}/${name}` } as const;
  if (template === undefined) {
    return { ...step, result: "unread", detail: "could not read its pod template" };
  }
  const own = template.proxy?.image;
  const facts = [
    ...pick(template.labels, [
      REVISION,
      INJECT,
      ...keysOf(mesh, ({ objectSelector }) => objectSelector),
    ]),
    ...pick(template.annotations, DECISIVE_ANNOTATIONS).map((text) => `annotation ${text}`),
    ...(template.hostNetwork ? ["hostNetwork"] : []),
    ...(isInjectedByHand(template) ? ["injected by hand (kube-inject)"] : []),
    ...(own === undefined ? [] : [`its own container istio-proxy, image ${own || "unset"}`]),
    ...pick(annotations, [EXCLUDE]).map((text) => `the workload's annotation ${text}`),
  ];
  return {
    ...step,
    result: "read",
    detail: facts.join(", ") || "no label or annotation that affects injection",
  };
}

/** The label keys in the selectors of all injectors. */
function keysOf(
  { injectors = [] }: Mesh,
  selectorOf: (injector: Injector) => Injector["namespaceSelector"],
): readonly string[] {
  return injectors
    .map(selectorOf)
    .flatMap(({ matchLabels, matchExpressions }) => [
      ...Object.keys(matchLabels ?? {}),
      ...(matchExpressions ?? []).map(({ key }) => key),
    ]);
}

/** The labels or annotations with the given keys, as `key=value`. */
function pick(labels: Labels, keys: readonly string[]): readonly string[] {
  return [...new Set(keys)].flatMap((key) =>
    Object.hasOwn(labels, key) ? [`${key}=${labels[key]}`] : [],
  );
}

function webhookStep({ injector, unmet, called }: InjectorMatch): TraceStep {
  const { configuration, name, tag } = injector;
  const step = { step: "webhook", subject: `${configuration}/${name}` } as const;
  if (called) {
    const by = tag === undefined ? "" : `, by the tag ${tag}`;
    return { ...step, result: "matched", detail: `selects the pod${by}` };
  }
  const failed = (["namespace", "template"] as const)
    .filter((on) => unmet[on].length > 0)
    .map((on) => `the ${NOUNS[on]} does not match ${unmet[on].map(formatRequirement).join(", ")}`);
  return { ...step, result: "not-matched", detail: failed.join("; ") };
}

const NOUNS = { namespace: "namespace", template: "pod" } as const;

/** Resolves each distinct Service or URL of the called webhooks to a revision. */
function revisionSteps(called: readonly Injector[], mesh: Mesh): readonly TraceStep[] {
  const byBackend = new Map(called.map((injector) => [backendOf(injector), injector]));
  return [...byBackend].map(([subject, injector]) => {
    const step = { step: "revision", subject } as const;
    if (injector.available === false) {
      const detail = `${OUTAGE_TEXTS[injector.outage ?? "no-endpoint"]}, and failurePolicy ${injector.failurePolicy}`;
      return { ...step, result: "dead", detail };
    }
    if (injector.revision === undefined) {
      const detail =
        injector.elsewhere?.kind === "remote"
          ? "the cluster does not show which revision answers there"
          : "could not tell which revision is behind it";
      return { ...step, result: "unread", detail };
    }
    return { ...step, result: injector.revision, detail: revisionText(injector.revision, mesh) };
  });
}

const OUTAGE_TEXTS: Readonly<Record<Outage, string>> = {
  "no-service": "no such Service",
  "no-endpoint": "no ready endpoint",
  "no-authority": "no caBundle",
};

function revisionText(name: string, { revisions }: Mesh): string {
  const { istiod, tags = [] }: Partial<Revision> = revisions.get(name) ?? {};
  const facts = [
    ...(istiod ? [`REVISION of deployment/${istiod.name}`] : []),
    ...(istiod ? [istiod.ready ? "ready" : "not ready"] : []),
    ...tags.map((tag) => `tag ${tag}`),
  ];
  return `revision ${name}${facts.length > 0 ? ` (${facts.join(", ")})` : ""}`;
}

function backendOf({ service, url, configuration }: Injector): string {
  return service === undefined
    ? (url ?? configuration)
    : `service ${service.namespace}/${service.name}`;
}

function targetStep(prediction: Prediction, mesh: Mesh): TraceStep {
  const step = "target";
  if (prediction.kind !== "injected") {
    const { kind, finding } = prediction;
    return { step, subject: "new pod", result: kind, detail: finding.reason };
  }
  const { image, unpinned, pin, revision, source } = prediction;
  if (pin === undefined) {
    const keys = imageKeys(image, mesh.revisions.get(revision));
    return { step, subject: source, result: "injected", detail: `${image}, from ${keys}` };
  }
  const by = pin.by === "annotation" ? PROXY_IMAGE : "the template's container istio-proxy";
  const detail = `${image}, pinned by ${by}; ${source} gives ${unpinned ?? "an unknown image"}`;
  return { step, subject: "pod template", result: "pinned", detail };
}

/** The keys of the ConfigMap's `values` that the image comes from. */
function imageKeys(image: string, revision: Revision | undefined): string {
  const config = revision?.config;
  return config?.kind === "parsed" && config.value.values.proxyImage === image
    ? "global.proxy.image"
    : "global.hub, global.tag and the image type";
}

function proofSteps(assessment: Assessment | undefined): readonly TraceStep[] {
  if (assessment?.proved !== true) return [];
  const { target, finding } = assessment;
  const detail = target ? `${target.image} of ${target.revision}` : finding.reason;
  return [{ step: "target", subject: "the API server's dry run", result: "proved", detail }];
}

function podsSteps(
  { pods, terminating }: Workload,
  assessment: Assessment | undefined,
): readonly TraceStep[] {
  const step = "pods";
  const live = pods.map((group, index): TraceStep => {
    const change = assessment?.running[index]?.change ?? "none";
    const difference = change === "none" || group.image === undefined ? "" : `, ${change}`;
    const names = listing(group.podNames, group.pods);
    return {
      step,
      subject: `${group.pods} of ${countPods(pods)}`,
      result: podsResult(group, change, assessment),
      detail: `${sidecarText(group)}, ${group.ready} ready${difference}: ${names}`,
    };
  });
  const none: TraceStep = { step, subject: "0", result: "no-pods", detail: "no live pod" };
  const leaving: TraceStep = {
    step,
    subject: String(terminating),
    result: "terminating",
    detail: "not counted in the verdict",
  };
  return [...(live.length > 0 ? live : [none]), ...(terminating > 0 ? [leaving] : [])];
}

function podsResult(
  { image }: PodGroup,
  change: RunningPods["change"],
  assessment: Assessment | undefined,
): string {
  if (image === undefined) return "no-sidecar";
  if (assessment?.target === undefined) return "running";
  return change === "none" ? "on-target" : change;
}

function podStep({ name, phase, terminating, group }: NamedPod): TraceStep {
  const ready = group.ready > 0 ? "ready" : "not ready";
  return {
    step: "pod",
    subject: `pod/${name}`,
    result: terminating ? "terminating" : phase.toLowerCase(),
    detail: `${sidecarText(group)}, ${ready}`,
  };
}

function sidecarText({ image, revision, native, reported }: PodGroup): string {
  if (image === undefined) return "no sidecar";
  const status = reported === undefined ? "" : ` (its status says ${reported.image})`;
  return `${native ? "native sidecar " : ""}${image} of ${revision ?? "an unknown revision"}${status}`;
}
