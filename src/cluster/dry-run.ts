import type {
  V1DaemonSet,
  V1Deployment,
  V1OwnerReference,
  V1Pod,
  V1StatefulSet,
} from "@kubernetes/client-node";
import { ApiError, isForbidden, isNotFound } from "../http/api-error.ts";
import type { Api } from "../http/api.ts";
import { PROXY_CONTAINER, PROXY_IMAGE } from "../istio-labels.ts";
import { listPath } from "../kubernetes/api-paths.ts";
import { controllerLabels } from "../kubernetes/controller-labels.ts";
import { withoutGeneratedNames } from "../kubernetes/generated-names.ts";
import { apiOf, isRestartable, type RestartableKind } from "../kubernetes/kinds.ts";
import {
  type DryRun,
  isInjectedByHand,
  pinOf,
  type Workload,
  type WorkloadRef,
} from "../snapshot.ts";
import { type ApiRollout, malformedTemplate, referencedDeployment } from "./argo-rollout.ts";
import { readOwnerTemplate } from "./owner-template.ts";
import { podGroupRecord } from "./pod-group.ts";
import { PODS, readByName } from "./read-by-name.ts";
import { uninjectedPod } from "./uninjected-pod.ts";
import { templateRecord } from "./workload-records.ts";
import { createPodDryRun } from "./write.ts";

/** The template is only needed for a kind whose template is taken from a pod. */
export type ProvableWorkload = WorkloadRef & Partial<Pick<Workload, "template">>;

/**
 * Has the API server create a pod from a workload's template without persisting it. The webhooks of
 * the cluster answer, so the result is what a restart would give. For a kind whose template cannot be
 * read, one of the workload's pods is created again, as it was before injection.
 *
 * @param sample the name of one of the workload's pods.
 * @returns `unavailable` if the answer proves nothing, for example because the user is not allowed
 *   to create pods, or because another webhook does not support dry runs.
 */
export async function dryRunInjection(
  api: Api,
  ref: ProvableWorkload,
  sample?: string,
): Promise<DryRun> {
  let base: string | undefined;
  try {
    const input = isRestartable(ref.kind)
      ? await podFromTemplate(api, ref.kind, ref)
      : await podFromSample(api, ref, sample);
    if (input.kind === "unavailable") return input;
    const { pod } = input;
    base = pod.metadata?.generateName;
    const created = podGroupRecord(await createPodDryRun(api, ref.namespace, pod));
    const { image, revision, native } = created;
    const unpinned = await unpinnedImage(api, ref.namespace, pod);
    const mode = image === undefined ? {} : { native };
    return { kind: "pod", image, revision, unpinned, ...mode };
  } catch (caught) {
    if (!(caught instanceof ApiError)) throw caught;
    return failedDryRun(caught, ref, base);
  }
}

/** The API server's answer to the creation of one pod, which it does not persist. */
export type CreatedPod =
  | { readonly kind: "created"; readonly pod: V1Pod }
  | Exclude<DryRun, { readonly kind: "pod" }>;

/** Has the API server create a pod without persisting it. */
export async function dryRunPod(api: Api, ref: WorkloadRef, pod: V1Pod): Promise<CreatedPod> {
  try {
    return { kind: "created", pod: await createPodDryRun(api, ref.namespace, pod) };
  } catch (caught) {
    if (!(caught instanceof ApiError)) throw caught;
    return failedDryRun(caught, ref, pod.metadata?.generateName);
  }
}

/** @param base the start of the name that was generated for the dry run. */
function failedDryRun(
  caught: ApiError,
  ref: WorkloadRef,
  base: string | undefined,
): Exclude<DryRun, { readonly kind: "pod" }> {
  const error = withOwnName(caught, ref, base);
  if (isRejection(error)) return { kind: "refused", message: error.message };
  const message = withoutName(error.message);
  if (isInconclusive(message)) return unavailable(message);
  return { kind: "unavailable", message, unanswered: error };
}

/** Returns the same error with the workload's name instead of the name generated for the dry run. */
function withOwnName(error: ApiError, { name }: WorkloadRef, base: string | undefined): ApiError {
  const message = withoutGeneratedNames(error.message, name, base);
  return new ApiError(message, error, { cause: error });
}

/** The pod to create, or the reason why there is none. */
type DryRunInput =
  | { readonly kind: "pod"; readonly pod: V1Pod }
  | { readonly kind: "unavailable"; readonly message: string };

async function podFromTemplate(
  api: Api,
  kind: RestartableKind,
  ref: WorkloadRef,
): Promise<DryRunInput> {
  const owner = await templateOwner(api, kind, ref);
  const malformed = kind === "Rollout" ? malformedTemplate(owner) : undefined;
  if (malformed !== undefined) return unavailable(`the pod template is malformed: ${malformed}`);
  // A Rollout may take its template from a kind that is not read.
  return owner.spec?.template
    ? { kind: "pod", pod: newPod(ref, owner) }
    : unavailable("there is no pod template");
}

async function podFromSample(
  api: Api,
  ref: ProvableWorkload,
  sample: string | undefined,
): Promise<DryRunInput> {
  const { kind, namespace, template } = ref;
  if (kind === "Node") return unavailable("the kubelet manages static pods");
  if (sample === undefined) return unavailable(`a ${kind} without pods has no template to try`);
  const pod = await readByName<V1Pod>(api, PODS, namespace, sample);
  if (pod === undefined) return unavailable("its pod no longer exists");
  const uninjected = uninjectedPod(pod);
  if (template === undefined || !isInjectedByHand(template)) {
    return { kind: "pod", pod: uninjected };
  }
  // The sidecar in the pod is one of the template, too.
  const { metadata, spec } = (await readOwnerTemplate(api, ref)) ?? {};
  if (spec === undefined) return unavailable("its pod template could not be read");
  uninjected.spec = spec;
  if (uninjected.metadata !== undefined) {
    uninjected.metadata.annotations = metadata?.annotations ?? {};
  }
  return { kind: "pod", pod: uninjected };
}

type TemplateOwner = V1Deployment | V1StatefulSet | V1DaemonSet;

/** Gets the object with the template: the workload, or the Deployment that a Rollout refers to. */
async function templateOwner(
  api: Api,
  kind: RestartableKind,
  { namespace, name }: Pick<WorkloadRef, "namespace" | "name">,
): Promise<TemplateOwner> {
  const path = `${listPath(kind, namespace)}/${name}`;
  const owner = await api.send({ method: "GET", path, kind });
  const referenced = kind === "Rollout" ? referencedDeployment(owner as ApiRollout) : undefined;
  return referenced === undefined
    ? owner
    : templateOwner(api, "Deployment", { namespace, name: referenced });
}

/** Returns the pod that the workload's controller would create, as admission sees it. */
function newPod(ref: WorkloadRef, owner: TemplateOwner): V1Pod {
  const template = owner.spec?.template;
  const { labels = {}, annotations = {} } = template?.metadata ?? {};
  const { volumes = [], ...spec } = template?.spec ?? { containers: [] };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      generateName: `${ref.name}-`,
      namespace: ref.namespace,
      labels: { ...labels, ...controllerLabels(ref) },
      annotations,
      ownerReferences: [controllerReference(ref)],
    },
    spec: { ...spec, volumes: [...volumes, ...claimedVolumes(ref, owner)] },
  };
}

/** Policies may treat a pod without an owner differently, and Istio derives the workload's name. */
function controllerReference(ref: WorkloadRef): V1OwnerReference {
  const { kind, name, uid } = ref;
  const hash = controllerLabels(ref)["pod-template-hash"];
  const owner =
    hash === undefined ? { kind, name } : { kind: "ReplicaSet", name: `${name}-${hash}` };
  const { api: apiVersion } = apiOf(isRestartable(kind) ? kind : "Deployment");
  return { apiVersion, ...owner, uid, controller: true };
}

/** The volumes that the StatefulSet controller adds for claim templates. A mount requires them. */
function claimedVolumes(ref: WorkloadRef, owner: TemplateOwner) {
  const templates = (owner as V1StatefulSet).spec?.volumeClaimTemplates ?? [];
  return templates.map(({ metadata }) => ({
    name: metadata?.name ?? "",
    persistentVolumeClaim: { claimName: `${metadata?.name}-${ref.name}-0` },
  }));
}

/** Asks for the image without pins; `undefined` if nothing is pinned, or the dry run fails. */
async function unpinnedImage(api: Api, namespace: string, pod: V1Pod): Promise<string | undefined> {
  const pin = pinOf(templateRecord(pod));
  // Without its image, a template that was injected by hand cannot run unless a webhook injects it.
  if (pin === undefined || pin.by === "kube-inject") return undefined;
  const unpinned = structuredClone(pod);
  delete unpinned.metadata?.annotations?.[PROXY_IMAGE];
  const { containers = [], initContainers = [] } = unpinned.spec ?? {};
  for (const container of [...containers, ...initContainers]) {
    if (container.name === PROXY_CONTAINER) container.image = "auto";
  }
  try {
    return podGroupRecord(await createPodDryRun(api, namespace, unpinned)).image;
  } catch (error) {
    if (error instanceof ApiError) return undefined;
    throw error;
  }
}

/** True if the API server rejected the pod itself, not the request. */
function isRejection(error: ApiError): boolean {
  if (isForbidden(error) || isNotFound(error) || error.status === 0) return false;
  if (isInconclusive(error.message)) return false;
  return (
    [400, 403, 422].includes(error.status) ||
    (error.status === 500 && error.message.includes("failed calling webhook"))
  );
}

/**
 * True if an answer proves nothing about injection: a quota that is full now may have room once old
 * pods are gone, and other webhooks do not always support dry runs.
 */
function isInconclusive(message: string): boolean {
  return message.includes("exceeded quota") || message.includes("does not support dry run");
}

/** Removes the object's name, so that the same error of several objects has the same text. */
function withoutName(message: string): string {
  return message.replace(/^(\S+) "[^"]*" is forbidden: /, "$1: ");
}

function unavailable(message: string) {
  return { kind: "unavailable", message } as const;
}
