import { completeSelector } from "../kubernetes/selector.ts";
import type { ArgoRollout, Workload } from "../snapshot.ts";
import { relevantAnnotations } from "./annotations.ts";
import type { ApiLabelSelector, ApiObject, ApiPodTemplate } from "./api-objects.ts";
import { templateRecord } from "./workload-records.ts";
import { replicaFacts, resolveLimit } from "./rollout-record.ts";

/**
 * The fields of an Argo `Rollout` that are read. The API server returns custom resources only as JSON.
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

/** Returns the name of the Deployment whose template a Rollout uses. Other kinds are not read. */
export function referencedDeployment({ spec }: ApiRollout): string | undefined {
  return spec?.workloadRef?.kind === "Deployment" ? spec.workloadRef.name : undefined;
}

/**
 * Returns the record of a Rollout, without its pods.
 *
 * @param referenced the Deployment whose template it uses, if that could be read.
 */
export function argoWorkload(object: ApiRollout, referenced: Workload | undefined): Workload {
  const { metadata, spec } = object;
  return {
    namespace: metadata?.namespace ?? "",
    kind: "Rollout",
    name: metadata?.name ?? "",
    uid: metadata?.uid ?? "",
    labels: metadata?.labels ?? {},
    annotations: relevantAnnotations(metadata?.annotations),
    template: spec?.workloadRef ? referenced?.template : templateRecord(spec?.template),
    rollout: argoRollout(object, referenced),
    pods: [],
    terminating: 0,
    terminatingPods: [],
  };
}

function argoRollout(
  { metadata, spec, status }: ApiRollout,
  referenced: Workload | undefined,
): ArgoRollout {
  const generation = metadata?.generation ?? 0;
  const replicas = spec?.replicas ?? 1;
  // The controller evicts at least one pod at a time, and adds none before.
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
    strategy: "Evict",
    replicas,
    restartAt: spec?.restartAt,
    phase: unpausing ? "Progressing" : (status?.phase ?? ""),
    message: unpausing ? "waiting for rollout to unpause" : (status?.message ?? ""),
    ...replicaFacts(status),
  };
}

/**
 * Reads the observed generation, a text. A text that is not a number comes from a controller that
 * does not count generations.
 */
function observedGeneration(text: string | undefined, generation: number): number {
  if (text === undefined) return 0;
  const number = Number(text);
  return Number.isNaN(number) ? generation : Math.min(number, generation);
}
