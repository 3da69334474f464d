import type {
  V1ConfigMap,
  V1Container,
  V1Deployment,
  V1Endpoint,
  V1EndpointSlice,
  V1MutatingWebhook,
  V1MutatingWebhookConfiguration,
  V1ObjectMeta,
  V1PodTemplateSpec,
  V1ReplicaSet,
  V1Service,
} from "@kubernetes/client-node";
import { REVISION_TAG } from "../istio-labels.ts";
import { isObject } from "../json-object.ts";
import { completeSelector } from "../kubernetes/selector.ts";
import type { Istiod, IstiodRelease, Service, Webhook } from "../snapshot.ts";

/** Returns the records of the webhooks that are called when a pod is created. */
export function webhookRecords(configuration: V1MutatingWebhookConfiguration): readonly Webhook[] {
  return (configuration.webhooks ?? []).filter(coversPodCreation).map((webhook) => {
    const { service, url, caBundle } = webhook.clientConfig;
    return {
      configuration: configuration.metadata?.name ?? "",
      name: webhook.name,
      tag: configuration.metadata?.labels?.[REVISION_TAG],
      service: service && { namespace: service.namespace, name: service.name },
      url,
      namespaceSelector: completeSelector(webhook.namespaceSelector),
      objectSelector: completeSelector(webhook.objectSelector),
      failurePolicy: webhook.failurePolicy === "Ignore" ? "Ignore" : "Fail",
      hasMatchConditions: (webhook.matchConditions ?? []).length > 0,
      trusted: (caBundle ?? "") !== "",
    };
  });
}

/**
 * True if a webhook's rules match the creation of pods. `matchPolicy` makes no difference, because
 * pods have only one group and version.
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

/** True for `pods`, and for `pods/*`, which includes the pod itself; false for `pods/status`. */
function coversPods(pattern: string): boolean {
  const [resource, subresource = ""] = pattern.split("/");
  const isPod = resource === "*" || resource === "pods";
  return isPod && (subresource === "*" || subresource === "");
}

export function serviceRecord({ metadata, spec }: V1Service): Service {
  return {
    name: metadata?.name ?? "",
    selector: spec?.selector ?? {},
    external: spec?.type === "ExternalName",
  };
}

/** Returns the name of a slice's Service, and the number of its ready endpoints. */
export function readyEndpoints(slice: V1EndpointSlice): readonly [service: string, ready: number] {
  // Go writes an empty list as null.
  const endpoints: readonly V1Endpoint[] = slice.endpoints ?? [];
  const ready = endpoints.filter(({ conditions }) => conditions?.ready !== false).length;
  return [slice.metadata?.labels?.["kubernetes.io/service-name"] ?? "", ready];
}

/**
 * Returns the time at which the key `values` of a ConfigMap last changed, according to the field
 * managers that own it. The API server sets the time of a manager's entry whenever the manager
 * changes a field that it owns.
 */
export function valuesChangedAt({ metadata }: V1ConfigMap): string | undefined {
  const times = (metadata?.managedFields ?? []).flatMap(({ fieldsV1, time }) => {
    const data = isObject(fieldsV1) ? fieldsV1["f:data"] : undefined;
    return isObject(data) && "f:values" in data && time !== undefined ? [String(time)] : [];
  });
  return times.sort().at(-1);
}

/** The environment variable of istiod that names its revision. */
const REVISION_VARIABLE = "REVISION";

/** Returns the record of an istiod; `undefined` for a Deployment that is no control plane. */
export function istiodRecord(deployment: V1Deployment): Istiod | undefined {
  const { metadata, spec, status } = deployment;
  const found = controlPlaneIn(spec?.template);
  if (found === undefined) return undefined;
  const { container, revision } = found;
  const replicas = spec?.replicas ?? 1;
  return {
    name: metadata?.name ?? "",
    podLabels: spec?.template.metadata?.labels ?? {},
    revision,
    image: container?.image ?? "",
    native: container && nativeSidecarsIn(container),
    wanted: replicas,
    ready:
      (metadata?.generation ?? 0) <= (status?.observedGeneration ?? 0) &&
      (status?.updatedReplicas ?? 0) >= replicas &&
      // During a surge, old pods may account for the available replicas.
      (status?.replicas ?? 0) <= (status?.updatedReplicas ?? 0) &&
      (status?.availableReplicas ?? 0) >= Math.max(1, replicas),
  };
}

/** The annotations in which a Deployment counts the rollouts that used a ReplicaSet. */
const ROLLOUT = "deployment.kubernetes.io/revision";
const EARLIER_ROLLOUTS = "deployment.kubernetes.io/revision-history";

/** Returns the record of a ReplicaSet of an istiod; `undefined` for any other ReplicaSet. */
export function releaseRecord({ metadata, spec }: V1ReplicaSet): IstiodRelease | undefined {
  const found = controlPlaneIn(spec?.template);
  const createdAt = metadata?.creationTimestamp;
  if (found?.container?.image === undefined || createdAt === undefined) return undefined;
  const { [ROLLOUT]: last = "", [EARLIER_ROLLOUTS]: earlier = "" } = metadata?.annotations ?? {};
  return {
    revision: found.revision,
    image: found.container.image,
    createdAt: String(createdAt),
    rollouts: `${earlier},${last}`
      .split(",")
      .flatMap((text) => (/^\d+$/.test(text) ? [Number(text)] : []))
      .sort((a, b) => a - b),
  };
}

/**
 * Finds the container of istiod in a pod template, and its revision.
 *
 * @returns `undefined` for the template of no control plane.
 */
function controlPlaneIn(
  template: V1PodTemplateSpec | undefined,
):
  | { readonly container: V1Container | undefined; readonly revision: string | undefined }
  | undefined {
  const containers = template?.spec?.containers ?? [];
  const withRevision = containers.find(({ env }) =>
    env?.some(({ name }) => name === REVISION_VARIABLE),
  );
  const labels = template?.metadata?.labels ?? {};
  if (withRevision === undefined && labels["app"] !== "istiod") return undefined;
  const container =
    withRevision ?? containers.find(({ name }) => name === "discovery") ?? containers[0];
  return { container, revision: container && revisionIn(container, template?.metadata) };
}

/** Resolves the revision as the pod does; `undefined` if it is in an object that is not read. */
function revisionIn(
  { env = [], envFrom = [] }: V1Container,
  metadata: V1ObjectMeta | undefined,
): string | undefined {
  // If a name is repeated, the kubelet takes the last variable.
  const found = env.findLast(({ name }) => name === REVISION_VARIABLE);
  if (found === undefined) return envFrom.length > 0 ? undefined : "default";
  const { value = "", valueFrom } = found;
  if (valueFrom === undefined) return value.includes("$(") ? undefined : value || "default";
  const [, field = "", key = ""] =
    /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(valueFrom.fieldRef?.fieldPath ?? "") ?? [];
  return field === "labels" || field === "annotations"
    ? metadata?.[field]?.[key] || "default"
    : undefined;
}

function nativeSidecarsIn({ env = [] }: V1Container): string | undefined {
  const found = env.findLast(({ name }) => name === "ENABLE_NATIVE_SIDECARS");
  // A value from another object is not read, and may be anything.
  return found && (found.value ?? "auto");
}
