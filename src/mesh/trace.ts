import { listing } from "../listing.ts";
import type { Outage, Injector, Mesh, Revision } from "./mesh.ts";
import { type Assessment, predictNewPod, type RunningPods } from "./assessment.ts";
import { newPodOf } from "../kubernetes/controller-labels.ts";
import { type InjectorMatch, matchInjectors, type Prediction } from "./prediction.ts";
import type { Labels, NamedPod, Namespace, PodGroup, Workload } from "../snapshot.ts";
import { formatRequirement } from "../kubernetes/selector.ts";
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

/** One step on the way to a verdict: what was looked at, and what it said. */
export interface TraceStep {
  readonly step: "namespace" | "template" | "webhook" | "revision" | "target" | "pods" | "pod";
  /** `namespace/shop`, `configmap/istio-sidecar-injector-asm-1-27` */
  readonly subject: string;
  /** One stable word: `matched`, `not-matched`, `unread`, `injected`, ... */
  readonly result: string;
  readonly detail: string;
}

export interface TraceInput {
  readonly workload: Workload;
  /** `undefined` where its labels could not be read. */
  readonly namespace: Namespace | undefined;
  readonly mesh: Mesh;
  /** `undefined` for a workload outside the mesh. */
  readonly assessment: Assessment | undefined;
  readonly pod: NamedPod | undefined;
}

/** Walks down the decision about one workload, in the order in which it is taken. */
export function traceDecision(explained: TraceInput): readonly TraceStep[] {
  const { workload, namespace, mesh, assessment, pod } = explained;
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

/** Annotations of a pod template that decide injection, or the image. */
const ANNOTATIONS = [INJECT, PROXY_IMAGE, PROXY_IMAGE_TYPE, INJECTION_TEMPLATES, PROXY_CONFIG];

function namespaceStep(name: string, namespace: Namespace | undefined, mesh: Mesh): TraceStep {
  const step = { step: "namespace", subject: `namespace/${name}` } as const;
  if (namespace === undefined) {
    return { ...step, result: "unread", detail: "its labels could not be read" };
  }
  const labels = pick(namespace.labels, [
    REVISION,
    INJECTION,
    ...keysOf(mesh, ({ namespaceSelector }) => namespaceSelector),
  ]);
  const annotations = pick(namespace.annotations, [EXCLUDE]).map((text) => `annotation ${text}`);
  const said = [...labels, ...annotations];
  return { ...step, result: "read", detail: said.join(", ") || `no ${REVISION}, no ${INJECTION}` };
}

function templateStep({ kind, name, template, annotations }: Workload, mesh: Mesh): TraceStep {
  const step = { step: "template", subject: `${kind.toLowerCase()}/${name}` } as const;
  if (template === undefined) {
    return { ...step, result: "unread", detail: "its pod template could not be read" };
  }
  const own = template.proxy?.image;
  const said = [
    ...pick(template.labels, [
      REVISION,
      INJECT,
      ...keysOf(mesh, ({ objectSelector }) => objectSelector),
    ]),
    ...pick(template.annotations, ANNOTATIONS).map((text) => `annotation ${text}`),
    ...(template.hostNetwork ? ["hostNetwork"] : []),
    ...(own === undefined ? [] : [`its own container istio-proxy, image ${own || "unset"}`]),
    ...pick(annotations, [EXCLUDE]).map((text) => `the workload's annotation ${text}`),
  ];
  return { ...step, result: "read", detail: said.join(", ") || "nothing that decides injection" };
}

/** The keys that some injector's selectors ask for. */
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
    .map((on) => `the ${NOUNS[on]} fails ${unmet[on].map(formatRequirement).join(", ")}`);
  return { ...step, result: "not-matched", detail: failed.join("; ") };
}

const NOUNS = { namespace: "namespace", template: "pod" } as const;

/** From the webhook's Service to what stands behind it: once for each that is called. */
function revisionSteps(called: readonly Injector[], mesh: Mesh): readonly TraceStep[] {
  const byBackend = new Map(called.map((injector) => [backendOf(injector), injector]));
  return [...byBackend].map(([subject, injector]) => {
    const step = { step: "revision", subject } as const;
    if (injector.available === false) {
      const detail = `${OUTAGES[injector.outage ?? "no-endpoint"]}, and failurePolicy ${injector.failurePolicy}`;
      return { ...step, result: "dead", detail };
    }
    if (injector.revision === undefined) {
      const detail =
        injector.service === undefined
          ? "nothing in the cluster says which revision answers there"
          : "which revision is behind it could not be told";
      return { ...step, result: "unread", detail };
    }
    return { ...step, result: injector.revision, detail: revisionText(injector.revision, mesh) };
  });
}

const OUTAGES: Readonly<Record<Outage, string>> = {
  "no-service": "no such Service",
  "no-endpoint": "no ready endpoint",
  "no-authority": "no caBundle to trust it by",
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
    const place = keyOf(image, mesh.revisions.get(revision));
    return { step, subject: source, result: "injected", detail: `${image}, from ${place}` };
  }
  const by = pin.by === "annotation" ? PROXY_IMAGE : "the template's container istio-proxy";
  const detail = `${image}, pinned by ${by}; ${source} gives ${unpinned ?? "an image that cannot be told"}`;
  return { step, subject: "pod template", result: "pinned", detail };
}

/** Where in the ConfigMap's `values` the image comes from. */
function keyOf(image: string, revision: Revision | undefined): string {
  const config = revision?.config;
  return typeof config === "object" && config.values.proxyImage === image
    ? "global.proxy.image"
    : "global.hub, global.tag and the image type";
}

function proofSteps(assessment: Assessment | undefined): readonly TraceStep[] {
  if (assessment?.proved !== true) return [];
  const { target, finding } = assessment;
  const detail = target ? `${target.image} of ${target.revision}` : finding.reason;
  return [{ step: "target", subject: "dry run by the API server", result: "proved", detail }];
}

function podsSteps(
  { pods, terminating }: Workload,
  assessment: Assessment | undefined,
): readonly TraceStep[] {
  const step = "pods";
  const live = pods.map((group, index): TraceStep => {
    const change = assessment?.running[index]?.change ?? "none";
    const late = change === "none" || group.image === undefined ? "" : `, ${change}`;
    const names = listing(group.podNames, group.pods);
    return {
      step,
      subject: `${group.pods} of ${pods.reduce((sum, other) => sum + other.pods, 0)}`,
      result: resultOf(group, change, assessment),
      detail: `${sidecarText(group)}, ${group.ready} ready${late}: ${names}`,
    };
  });
  const none: TraceStep = { step, subject: "0", result: "no-pods", detail: "no live pod" };
  const leaving: TraceStep = {
    step,
    subject: String(terminating),
    result: "terminating",
    detail: "left out of the verdict",
  };
  return [...(live.length > 0 ? live : [none]), ...(terminating > 0 ? [leaving] : [])];
}

function resultOf(
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

function sidecarText({ image, revision, native }: PodGroup): string {
  if (image === undefined) return "no sidecar";
  return `${native ? "native sidecar " : ""}${image} of ${revision ?? "an unknown revision"}`;
}
