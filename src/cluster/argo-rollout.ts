import { isObject } from "../json-object.ts";
import { completeSelector } from "../kubernetes/selector.ts";
import type { ArgoRollout, Workload } from "../snapshot.ts";
import { relevantAnnotations } from "./annotations.ts";
import type { ApiLabelSelector, ApiObject, ApiPodTemplate } from "./api-objects.ts";
import { controllerField, templateRecord } from "./workload-records.ts";
import { replicaFacts, resolveLimit } from "./rollout-record.ts";

/**
 * The fields of an Argo `Rollout` that the program reads. The API server returns custom resources only
 * as JSON.
 * Source: argoproj/argo-rollouts `pkg/apis/rollouts/v1alpha1/types.go`.
 */
export interface ApiRollout extends ApiObject {
  readonly spec?: {
    readonly replicas?: number;
    readonly selector?: ApiLabelSelector;
    readonly template?: ApiPodTemplate;
    /** The workload that holds the template, if the Rollout has none of its own. */
    readonly workloadRef?: { readonly kind?: string; readonly name?: string };
    readonly strategy?: { readonly canary?: { readonly maxUnavailable?: number | string } };
    readonly restartAt?: string;
    readonly minReadySeconds?: number;
  };
  readonly status?: {
    readonly observedGeneration?: string;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
    readonly phase?: string;
    readonly message?: string;
    readonly restartedAt?: string;
    readonly controllerPause?: boolean;
    readonly pauseConditions?: readonly unknown[];
    readonly conditions?: readonly {
      readonly type?: string;
      readonly status?: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
  };
}

/**
 * Returns the name of the Deployment whose template a Rollout uses. References to other kinds are
 * ignored.
 */
export function referencedDeployment({ spec }: ApiRollout): string | undefined {
  return spec?.workloadRef?.kind === "Deployment" ? spec.workloadRef.name : undefined;
}

/**
 * Returns the record of a Rollout, without its pods.
 *
 * @param referenced the Deployment whose template the Rollout uses, if it could be read.
 */
export function argoWorkload(object: ApiRollout, referenced: Workload | undefined): Workload {
  const { metadata, spec } = object;
  const unreadable = malformedMetadataOrContainer(spec?.template);
  return {
    namespace: metadata?.namespace ?? "",
    kind: "Rollout",
    name: metadata?.name ?? "",
    uid: metadata?.uid ?? "",
    ...controllerField(metadata?.ownerReferences),
    labels: metadata?.labels ?? {},
    annotations: relevantAnnotations(metadata?.annotations),
    template: spec?.workloadRef
      ? referenced?.template
      : unreadable === undefined
        ? templateRecord(spec?.template)
        : undefined,
    malformed: malformedTemplate(object),
    rollout: argoRollout(object, referenced),
    pods: [],
    terminating: 0,
    terminatingPods: [],
  };
}

/** Returns the reason why a Rollout's own template is unusable; `undefined` for a usable template. */
export function malformedTemplate({
  spec,
}: {
  readonly spec?: { readonly template?: unknown; readonly workloadRef?: unknown } | undefined;
}): string | undefined {
  if (spec?.workloadRef) return undefined;
  return malformedMetadataOrContainer(spec?.template) ?? malformedList(spec?.template);
}

/**
 * Finds a field of a pod template that affects injection and does not have the type that it has in a
 * pod. The definition of Rollouts lets the API server accept any object in some fields of the template.
 *
 * @returns a clause such as `spec.template.spec.containers is not a list`.
 */
function malformedMetadataOrContainer(template: unknown): string | undefined {
  if (template === undefined) return undefined;
  if (!isObject(template)) return "spec.template is not an object";
  const { metadata = {}, spec = {} } = template;
  if (!isObject(metadata)) return "spec.template.metadata is not an object";
  for (const field of ["labels", "annotations"]) {
    const map = metadata[field] ?? {};
    const isMap = isObject(map) && Object.values(map).every((value) => typeof value === "string");
    if (!isMap) return `spec.template.metadata.${field} is not a map of strings`;
  }
  if (!isObject(spec)) return "spec.template.spec is not an object";
  for (const field of ["containers", "initContainers"]) {
    const list = spec[field] ?? [];
    if (!Array.isArray(list)) return `spec.template.spec.${field} is not a list`;
    if (!list.every(isContainer)) {
      return `spec.template.spec.${field} has an entry that is not a container`;
    }
  }
  return undefined;
}

function isContainer(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { name, image = "", args = [] } = value;
  return typeof name === "string" && typeof image === "string" && Array.isArray(args);
}

/** Finds a field of a pod template that is a list in a pod, but not in this template. */
function malformedList(template: unknown): string | undefined {
  const spec = isObject(template) ? template["spec"] : undefined;
  const odd = ["volumes", "imagePullSecrets"].find(
    (field) => isObject(spec) && !Array.isArray(spec[field] ?? []),
  );
  return odd && `spec.template.spec.${odd} is not a list`;
}

function argoRollout(
  { metadata, spec, status }: ApiRollout,
  referenced: Workload | undefined,
): ArgoRollout {
  const generation = metadata?.generation ?? 0;
  const replicas = spec?.replicas ?? 1;
  // The controller evicts at least one pod at a time, and creates no pod beforehand.
  const limit = spec?.strategy?.canary?.maxUnavailable ?? "25%";
  const unpausing = status?.controllerPause === true && (status.pauseConditions ?? []).length === 0;
  return {
    kind: "Rollout",
    generation,
    observedGeneration: observedGeneration(status?.observedGeneration, generation),
    resourceVersion: metadata?.resourceVersion ?? "",
    selector: spec?.selector
      ? completeSelector(spec.selector)
      : (referenced?.rollout?.selector ?? completeSelector(undefined)),
    surge: 0,
    unavailable: Math.max(1, resolveLimit(limit, replicas, Math.floor)),
    minReadySeconds: spec?.minReadySeconds ?? 0,
    strategy: "Evict",
    replicas,
    restartAt: spec?.restartAt,
    restarting: spec?.restartAt !== undefined && spec.restartAt !== status?.restartedAt,
    phase: unpausing ? "Progressing" : (status?.phase ?? ""),
    message: unpausing ? "waiting for rollout to unpause" : (status?.message ?? ""),
    ...replicaFacts(status),
  };
}

/**
 * Parses the observed generation, which is a string in a Rollout. A string that is not a number comes
 * from a controller that does not count generations.
 */
function observedGeneration(text: string | undefined, generation: number): number {
  if (text === undefined) return 0;
  const number = Number(text);
  return Number.isNaN(number) ? generation : Math.min(number, generation);
}
