import { completeSelector } from "../kubernetes/selector.ts";
import type { ArgoRollout, Workload } from "../snapshot.ts";
import { relevantAnnotations } from "./annotations.ts";
import type { ApiLabelSelector, ApiObject, ApiPodTemplate } from "./api-objects.ts";
import { templateRecord } from "./workload-records.ts";
import { replicaFacts, resolved } from "./rollout-record.ts";

/**
 * A `Rollout` of Argo Rollouts, as far as it is looked at. Custom resources come as JSON only.
 * Source: argoproj/argo-rollouts `pkg/apis/rollouts/v1alpha1/types.go`.
 */
export interface ApiRollout extends ApiObject {
  readonly spec?: {
    readonly replicas?: number;
    readonly selector?: ApiLabelSelector;
    readonly template?: ApiPodTemplate;
    /** The template is that of another workload. */
    readonly workloadRef?: { readonly kind?: string; readonly name?: string };
    readonly strategy?: { readonly canary?: { readonly maxUnavailable?: number | string } };
    readonly restartAt?: string;
  };
  readonly status?: {
    readonly observedGeneration?: string;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
    readonly phase?: string;
    readonly message?: string;
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

/** The Deployment whose template a Rollout uses, by name; other kinds are not followed. */
export function referencedDeployment({ spec }: ApiRollout): string | undefined {
  return spec?.workloadRef?.kind === "Deployment" ? spec.workloadRef.name : undefined;
}

/** @param referred the Deployment whose template it uses, where that could be read. */
export function argoWorkload(object: ApiRollout, referred: Workload | undefined): Workload {
  const { metadata, spec } = object;
  return {
    namespace: metadata?.namespace ?? "",
    kind: "Rollout",
    name: metadata?.name ?? "",
    uid: metadata?.uid ?? "",
    labels: metadata?.labels ?? {},
    annotations: relevantAnnotations(metadata?.annotations),
    template: spec?.workloadRef ? referred?.template : templateRecord(spec?.template),
    rollout: argoRollout(object, referred),
    pods: [],
    terminating: 0,
    terminatingPods: [],
  };
}

function argoRollout(
  { metadata, spec, status }: ApiRollout,
  referred: Workload | undefined,
): ArgoRollout {
  const generation = metadata?.generation ?? 0;
  const replicas = spec?.replicas ?? 1;
  // Its own pods are evicted, at least one at a time; none is added before.
  const limit = spec?.strategy?.canary?.maxUnavailable ?? "25%";
  const unpausing = status?.controllerPause === true && (status.pauseConditions ?? []).length === 0;
  return {
    kind: "Rollout",
    generation,
    // Text; what is no number is from a controller that counted otherwise.
    observedGeneration: observed(status?.observedGeneration, generation),
    resourceVersion: metadata?.resourceVersion ?? "",
    selector: spec?.selector
      ? completeSelector(spec.selector)
      : (referred?.rollout?.selector ?? completeSelector(undefined)),
    surge: 0,
    unavailable: Math.max(1, resolved(limit, replicas, Math.floor)),
    strategy: "Evict",
    replicas,
    restartAt: spec?.restartAt,
    phase: unpausing ? "Progressing" : (status?.phase ?? ""),
    message: unpausing ? "waiting for rollout to unpause" : (status?.message ?? ""),
    ...replicaFacts(status),
  };
}

function observed(text: string | undefined, generation: number): number {
  if (text === undefined) return 0;
  const number = Number(text);
  return Number.isNaN(number) ? generation : Math.min(number, generation);
}
