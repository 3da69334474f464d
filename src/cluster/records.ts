import type {
  V1Container,
  V1DaemonSet,
  V1Deployment,
  V1Endpoint,
  V1EndpointSlice,
  V1LabelSelector,
  V1MutatingWebhook,
  V1MutatingWebhookConfiguration,
  V1Namespace,
  V1PodTemplateSpec,
  V1Service,
  V1StatefulSet,
} from "@kubernetes/client-node";
import type {
  DaemonSetRollout,
  DeploymentRollout,
  Istiod,
  LabelSelector,
  Namespace,
  PodTemplate,
  Rollout,
  Service,
  StatefulSetRollout,
  Webhook,
  Workload,
} from "../snapshot.ts";
import type { RestartableKind } from "../mesh/kinds.ts";

/** From the API's JSON to the snapshot's records: each keeps only what is decided upon. */

export function namespaceRecord({ metadata }: V1Namespace): Namespace {
  return {
    name: metadata?.name ?? "",
    labels: metadata?.labels ?? {},
    annotations: metadata?.annotations ?? {},
  };
}

/** The webhooks that are called when a pod is created. */
export function webhookRecords(configuration: V1MutatingWebhookConfiguration): readonly Webhook[] {
  return (configuration.webhooks ?? []).filter(coversPodCreation).map((webhook) => {
    const { service, url } = webhook.clientConfig;
    return {
      configuration: configuration.metadata?.name ?? "",
      name: webhook.name,
      tag: configuration.metadata?.labels?.["istio.io/tag"],
      service: service && { namespace: service.namespace, name: service.name },
      url,
      namespaceSelector: selectorRecord(webhook.namespaceSelector),
      objectSelector: selectorRecord(webhook.objectSelector),
      failurePolicy: webhook.failurePolicy === "Ignore" ? "Ignore" : "Fail",
      hasMatchConditions: (webhook.matchConditions ?? []).length > 0,
    };
  });
}

/** k8s.io/apiserver `plugin/webhook/predicates/rules/rules.go`. */
function coversPodCreation({ rules }: V1MutatingWebhook): boolean {
  const has = (list: readonly string[] | undefined, value: string) =>
    (list ?? []).some((entry) => entry === "*" || entry === value);
  return (rules ?? []).some(
    (rule) =>
      has(rule.operations, "CREATE") &&
      has(rule.apiGroups, "") &&
      has(rule.apiVersions, "v1") &&
      (has(rule.resources, "pods") || has(rule.resources, "*/*")) &&
      rule.scope !== "Cluster",
  );
}

function selectorRecord(selector: V1LabelSelector | undefined): LabelSelector {
  return {
    matchLabels: selector?.matchLabels ?? {},
    matchExpressions: selector?.matchExpressions ?? [],
  };
}

export function serviceRecord({ metadata, spec }: V1Service): Service {
  return { name: metadata?.name ?? "", selector: spec?.selector ?? {} };
}

/** Name of the Service, and how many of the slice's endpoints are ready. */
export function readyEndpoints(slice: V1EndpointSlice): readonly [service: string, ready: number] {
  // Go writes an empty list as null.
  const endpoints: readonly V1Endpoint[] = slice.endpoints ?? [];
  const ready = endpoints.filter(({ conditions }) => conditions?.ready !== false).length;
  return [slice.metadata?.labels?.["kubernetes.io/service-name"] ?? "", ready];
}

/** `undefined` for a Deployment that is no control plane. */
export function istiodRecord(deployment: V1Deployment): Istiod | undefined {
  const { metadata, spec, status } = deployment;
  const template = spec?.template;
  const containers = template?.spec?.containers ?? [];
  const revision = containers
    .flatMap(({ env }) => env ?? [])
    .find(({ name }) => name === "REVISION")?.value;
  const labels = template?.metadata?.labels ?? {};
  if (revision === undefined && labels["app"] !== "istiod") return undefined;
  const replicas = spec?.replicas ?? 1;
  return {
    name: metadata?.name ?? "",
    podLabels: labels,
    revision: revision || "default",
    image: containers[0]?.image ?? "",
    ready:
      (metadata?.generation ?? 0) <= (status?.observedGeneration ?? 0) &&
      (status?.updatedReplicas ?? 0) >= replicas &&
      (status?.availableReplicas ?? 0) >= Math.max(1, replicas),
  };
}

export function templateRecord(template: V1PodTemplateSpec | undefined): PodTemplate {
  const containers = template?.spec?.containers ?? [];
  const proxy = findProxy([...containers, ...(template?.spec?.initContainers ?? [])]);
  return {
    labels: template?.metadata?.labels ?? {},
    annotations: template?.metadata?.annotations ?? {},
    hostNetwork: template?.spec?.hostNetwork === true,
    proxy: proxy && { image: proxy.image ?? "", args: proxy.args ?? [] },
    // Injection gives its own container a probe.
    probed: containers.every(
      ({ name, readinessProbe }) => name === "istio-proxy" || readinessProbe !== undefined,
    ),
  };
}

/** The sidecar is known by its name alone; `istio-init` runs the same image. */
export function findProxy(containers: readonly V1Container[]): V1Container | undefined {
  return containers.find(({ name }) => name === "istio-proxy");
}

export type RestartableObject = V1Deployment | V1StatefulSet | V1DaemonSet;

/** A workload with no pods yet. */
export function workloadRecord(kind: RestartableKind, object: RestartableObject): Workload {
  const { metadata, spec } = object;
  return {
    namespace: metadata?.namespace ?? "",
    kind,
    name: metadata?.name ?? "",
    uid: metadata?.uid ?? "",
    labels: metadata?.labels ?? {},
    annotations: metadata?.annotations ?? {},
    template: templateRecord(spec?.template),
    rollout: rolloutRecord(kind, object),
    pods: [],
    terminating: 0,
    terminatingPods: [],
  };
}

function rolloutRecord(kind: RestartableKind, object: RestartableObject): Rollout {
  const base = {
    generation: object.metadata?.generation ?? 0,
    observedGeneration: object.status?.observedGeneration ?? 0,
    resourceVersion: object.metadata?.resourceVersion ?? "",
    selector: selectorRecord(object.spec?.selector),
  };
  switch (kind) {
    case "Deployment":
      return { ...base, ...deploymentFacts(object) };
    case "StatefulSet":
      return { ...base, ...statefulSetFacts(object as V1StatefulSet) };
    case "DaemonSet":
      return { ...base, ...daemonSetFacts(object as V1DaemonSet) };
  }
}

/** Fields that every kind has are left to `rolloutRecord`. */
type Facts<Kind extends Rollout> = Omit<
  Kind,
  "generation" | "observedGeneration" | "resourceVersion" | "selector"
>;

function deploymentFacts({ spec, status }: V1Deployment): Facts<DeploymentRollout> {
  return {
    kind: "Deployment",
    replicas: spec?.replicas ?? 1,
    paused: spec?.paused === true,
    strategy: spec?.strategy?.type === "Recreate" ? "Recreate" : "RollingUpdate",
    surgeless: /^0%?$/.test(String(spec?.strategy?.rollingUpdate?.maxSurge ?? "25%")),
    status: {
      replicas: status?.replicas ?? 0,
      updated: status?.updatedReplicas ?? 0,
      available: status?.availableReplicas ?? 0,
    },
    conditions: (status?.conditions ?? []).map(({ type, status: value, reason, message }) => ({
      type,
      status: value,
      reason: reason ?? "",
      message: message ?? "",
    })),
  };
}

function statefulSetFacts({ spec, status }: V1StatefulSet): Facts<StatefulSetRollout> {
  return {
    kind: "StatefulSet",
    replicas: spec?.replicas ?? 1,
    strategy: spec?.updateStrategy?.type === "OnDelete" ? "OnDelete" : "RollingUpdate",
    partition: spec?.updateStrategy?.rollingUpdate?.partition ?? 0,
    firstOrdinal: spec?.ordinals?.start ?? 0,
    status: { ready: status?.readyReplicas ?? 0, updated: status?.updatedReplicas ?? 0 },
  };
}

function daemonSetFacts({ spec, status }: V1DaemonSet): Facts<DaemonSetRollout> {
  return {
    kind: "DaemonSet",
    strategy: spec?.updateStrategy?.type === "OnDelete" ? "OnDelete" : "RollingUpdate",
    status: {
      desired: status?.desiredNumberScheduled ?? 0,
      updated: status?.updatedNumberScheduled ?? 0,
      available: status?.numberAvailable ?? 0,
    },
  };
}
