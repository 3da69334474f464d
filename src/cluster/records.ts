import type {
  V1Container,
  V1Deployment,
  V1Endpoint,
  V1EndpointSlice,
  V1MutatingWebhook,
  V1MutatingWebhookConfiguration,
  V1ObjectMeta,
  V1Service,
} from "@kubernetes/client-node";
import type { Istiod, Namespace, PodTemplate, Service, Webhook, Workload } from "../snapshot.ts";
import type { BuiltInKind } from "../kubernetes/kinds.ts";
import { relevantAnnotations } from "./annotations.ts";
import type { ApiContainer, ApiObject, ApiPodTemplate } from "./api-objects.ts";
import { type RestartableObject, rolloutRecord } from "./rollout-record.ts";
import { selectorRecord } from "./selector-record.ts";
import { PROXY_CONTAINER, REVISION_TAG } from "../istio-labels.ts";

/** From the API's JSON to the snapshot's records: each keeps only what is decided upon. */

export function namespaceRecord({ metadata }: ApiObject): Namespace {
  return {
    name: metadata?.name ?? "",
    labels: metadata?.labels ?? {},
    annotations: relevantAnnotations(metadata?.annotations),
  };
}

/** The webhooks that are called when a pod is created. */
export function webhookRecords(configuration: V1MutatingWebhookConfiguration): readonly Webhook[] {
  return (configuration.webhooks ?? []).filter(coversPodCreation).map((webhook) => {
    const { service, url } = webhook.clientConfig;
    return {
      configuration: configuration.metadata?.name ?? "",
      name: webhook.name,
      tag: configuration.metadata?.labels?.[REVISION_TAG],
      service: service && { namespace: service.namespace, name: service.name },
      url,
      namespaceSelector: selectorRecord(webhook.namespaceSelector),
      objectSelector: selectorRecord(webhook.objectSelector),
      failurePolicy: webhook.failurePolicy === "Ignore" ? "Ignore" : "Fail",
      hasMatchConditions: (webhook.matchConditions ?? []).length > 0,
      trusted: (webhook.clientConfig.caBundle ?? "") !== "",
    };
  });
}

/**
 * Pods have one group and version, so `matchPolicy` makes no difference.
 * Rule: k8s.io/apiserver `pkg/admission/plugin/webhook/predicates/rules/rules.go`, `Matches`.
 */
function coversPodCreation({ rules }: V1MutatingWebhook): boolean {
  const has = (list: readonly string[] | undefined, value: string) =>
    (list ?? []).some((entry) => entry === "*" || entry === value);
  return (rules ?? []).some(
    (rule) =>
      has(rule.operations, "CREATE") &&
      has(rule.apiGroups, "") &&
      has(rule.apiVersions, "v1") &&
      (rule.resources ?? []).some(coversPods) &&
      rule.scope !== "Cluster",
  );
}

/** `pods/*` stands for all of a pod, itself included; `pods/status` only for that part. */
function coversPods(pattern: string): boolean {
  const [resource, part = ""] = pattern.split("/");
  return (resource === "*" || resource === "pods") && (part === "*" || part === "");
}

export function serviceRecord({ metadata, spec }: V1Service): Service {
  return {
    name: metadata?.name ?? "",
    selector: spec?.selector ?? {},
    external: spec?.type === "ExternalName",
  };
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
  const named = containers.find(({ env }) => env?.some(({ name }) => name === REVISION));
  const labels = template?.metadata?.labels ?? {};
  if (named === undefined && labels["app"] !== "istiod") return undefined;
  const istiod = named ?? containers.find(({ name }) => name === "discovery") ?? containers[0];
  const replicas = spec?.replicas ?? 1;
  return {
    name: metadata?.name ?? "",
    podLabels: labels,
    revision: istiod && revisionIn(istiod, template?.metadata),
    image: istiod?.image ?? "",
    native: istiod && nativeIn(istiod),
    wanted: replicas,
    ready:
      (metadata?.generation ?? 0) <= (status?.observedGeneration ?? 0) &&
      (status?.updatedReplicas ?? 0) >= replicas &&
      // While it surges, the old ones keep as many available as are wanted.
      (status?.replicas ?? 0) <= (status?.updatedReplicas ?? 0) &&
      (status?.availableReplicas ?? 0) >= Math.max(1, replicas),
  };
}

const REVISION = "REVISION";

/** As the pod would see it; `undefined` where that stands in an object that is not read. */
function revisionIn(
  { env = [], envFrom = [] }: V1Container,
  metadata: V1ObjectMeta | undefined,
): string | undefined {
  // Of several of one name the kubelet takes the last.
  const found = env.findLast(({ name }) => name === REVISION);
  if (found === undefined) return envFrom.length > 0 ? undefined : "default";
  const { value = "", valueFrom } = found;
  if (valueFrom === undefined) return value.includes("$(") ? undefined : value || "default";
  const [, field = "", key = ""] =
    /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(valueFrom.fieldRef?.fieldPath ?? "") ?? [];
  return field === "labels" || field === "annotations"
    ? metadata?.[field]?.[key] || "default"
    : undefined;
}

function nativeIn({ env = [] }: V1Container): string | undefined {
  const found = env.findLast(({ name }) => name === "ENABLE_NATIVE_SIDECARS");
  // From elsewhere it may be anything.
  return found && (found.value ?? "auto");
}

export function templateRecord(template: ApiPodTemplate | undefined): PodTemplate {
  const containers = template?.spec?.containers ?? [];
  const proxy = findProxy([...containers, ...(template?.spec?.initContainers ?? [])]);
  return {
    labels: template?.metadata?.labels ?? {},
    annotations: relevantAnnotations(template?.metadata?.annotations),
    hostNetwork: template?.spec?.hostNetwork === true,
    proxy: proxy && {
      image: proxy.image ?? "",
      args: proxy.args ?? [],
      confined: isConfined(proxy),
    },
    // Injection gives its own container a probe.
    probed: containers.every(
      ({ name, readinessProbe }) => name === PROXY_CONTAINER || readinessProbe !== undefined,
    ),
  };
}

/** Whether a container gives up the way to more privileges than its parent has. */
export function isConfined(container: { readonly securityContext?: unknown }): boolean {
  const { securityContext: context } = container;
  const isSet = typeof context === "object" && context !== null;
  return (
    isSet && "allowPrivilegeEscalation" in context && context.allowPrivilegeEscalation === false
  );
}

/** The sidecar is known by its name alone; `istio-init` runs the same image. */
export function findProxy(containers: readonly ApiContainer[]): ApiContainer | undefined {
  return containers.find(({ name }) => name === PROXY_CONTAINER);
}

/** A workload with no pods yet. */
export function workloadRecord(kind: BuiltInKind, object: RestartableObject): Workload {
  const { metadata, spec } = object;
  return {
    namespace: metadata?.namespace ?? "",
    kind,
    name: metadata?.name ?? "",
    uid: metadata?.uid ?? "",
    labels: metadata?.labels ?? {},
    annotations: relevantAnnotations(metadata?.annotations),
    template: templateRecord(spec?.template),
    rollout: rolloutRecord(kind, object),
    pods: [],
    terminating: 0,
    terminatingPods: [],
  };
}
