import type {
  V1DaemonSet,
  V1Deployment,
  V1OwnerReference,
  V1Pod,
  V1StatefulSet,
} from "@kubernetes/client-node";
import { controllerLabels } from "../kubernetes/controller-labels.ts";
import { apiOf, isRestartable, type RestartableKind } from "../kubernetes/kinds.ts";
import { type DryRun, pinOf, type WorkloadRef } from "../snapshot.ts";
import { ApiError, isForbidden, isNotFound } from "../http/api-error.ts";
import type { Api } from "../http/api.ts";
import { type ApiRollout, referencedDeployment } from "./argo-rollout.ts";
import { listAll } from "../http/pages.ts";
import { templateRecord } from "./workload-records.ts";
import { podGroupRecord } from "./pods-by-owner.ts";
import { uninjectedPod } from "./uninjected-pod.ts";
import { createPodDryRun } from "./write.ts";
import { PROXY_CONTAINER, PROXY_IMAGE } from "../istio-labels.ts";

/**
 * Has the API server create a pod from a workload's template, by its own webhooks, without keeping
 * it: what a restart would get, by the real injector. Of kinds whose template is not to be had one
 * of its pods is created anew, as it was before injection.
 *
 * @param sample name of one of its pods.
 * @returns `unavailable` where that proves nothing: no permission, or a webhook of somebody else
 *   that knows no dry run.
 */
export async function dryRunInjection(
  api: Api,
  ref: WorkloadRef,
  sample?: string,
): Promise<DryRun> {
  try {
    const pod = isRestartable(ref.kind)
      ? await podOfTemplate(api, ref.kind, ref)
      : await podLike(api, ref, sample);
    if (typeof pod === "string") return unavailable(pod);
    const { image, revision } = podGroupRecord(await createPodDryRun(api, ref.namespace, pod));
    const unpinned = await unpinnedImage(api, ref.namespace, pod);
    return { kind: "pod", image, revision, unpinned };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (isAnswer(error)) return { kind: "refused", message: error.message };
    const message = reasonOf(error);
    if (isNoProof(message)) return unavailable(message);
    return { kind: "unavailable", message, unanswered: error };
  }
}

/** Without the name of the one object, so that a reason is one and the same for many. */
function reasonOf({ message }: ApiError): string {
  return message.replace(/^(\S+) "[^"]*" is forbidden: /, "$1: ");
}

/** @returns why there is none, as text. */
async function podOfTemplate(
  api: Api,
  kind: RestartableKind,
  ref: WorkloadRef,
): Promise<V1Pod | string> {
  const owner = await templateOwner(api, kind, ref);
  // That of a Rollout may be anywhere.
  return owner.spec?.template ? podOf(ref, owner) : "it has no template";
}

/** @returns why there is none, as text. */
async function podLike(
  api: Api,
  { kind, namespace }: WorkloadRef,
  sample: string | undefined,
): Promise<V1Pod | string> {
  if (kind === "Node") return "a static pod is the kubelet's own";
  if (sample === undefined) return `a ${kind} without pods shows no template to try`;
  const [pod] = await listAll<V1Pod>(api, {
    path: `/api/v1/namespaces/${namespace}/pods`,
    kind: "PodList",
    fieldSelector: `metadata.name=${sample}`,
  });
  return pod === undefined ? "its pod was gone when it was looked for" : uninjectedPod(pod);
}

/** What holds the template: the workload, or the Deployment that an Argo Rollout refers to. */
async function templateOwner(
  api: Api,
  kind: RestartableKind,
  { namespace, name }: Pick<WorkloadRef, "namespace" | "name">,
): Promise<TemplateObject> {
  const { api: group, resource } = apiOf(kind);
  const path = `/apis/${group}/namespaces/${namespace}/${resource}/${name}`;
  const owner = await api.send({ method: "GET", path, kind });
  const referred = kind === "Rollout" ? referencedDeployment(owner as ApiRollout) : undefined;
  return referred === undefined
    ? owner
    : templateOwner(api, "Deployment", { namespace, name: referred });
}

/** What the revision gives in the place of a pin; `undefined` without one, or without an answer. */
async function unpinnedImage(api: Api, namespace: string, pod: V1Pod): Promise<string | undefined> {
  if (pinOf(templateRecord(pod)) === undefined) return undefined;
  const plain = structuredClone(pod);
  delete plain.metadata?.annotations?.[PROXY_IMAGE];
  const { containers = [], initContainers = [] } = plain.spec ?? {};
  for (const container of [...containers, ...initContainers]) {
    if (container.name === PROXY_CONTAINER) container.image = "auto";
  }
  try {
    return podGroupRecord(await createPodDryRun(api, namespace, plain)).image;
  } catch (error) {
    if (error instanceof ApiError) return undefined;
    throw error;
  }
}

function unavailable(message: string): DryRun {
  return { kind: "unavailable", message };
}

type TemplateObject = V1Deployment | V1StatefulSet | V1DaemonSet;

/** A refusal of the pod itself, as against one of the question. */
function isAnswer(error: ApiError): boolean {
  if (isForbidden(error) || isNotFound(error) || error.status === 0) return false;
  if (isNoProof(error.message)) return false;
  return (
    [400, 403, 422].includes(error.status) ||
    (error.status === 500 && error.message.includes("failed calling webhook"))
  );
}

/**
 * It was answered, and proves nothing: a quota that is full now may have room once old pods are
 * gone, and a webhook of somebody else that knows no dry run is there for good.
 */
function isNoProof(message: string): boolean {
  return message.includes("exceeded quota") || message.includes("does not support dry run");
}

/** The pod that the workload's controller would create, as far as admission looks at it. */
function podOf(ref: WorkloadRef, owner: TemplateObject): V1Pod {
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

/** Policies tell pods without an owner from others; Istio takes the workload's name from it. */
function controllerReference(ref: WorkloadRef): V1OwnerReference {
  const { kind, name, uid } = ref;
  const hash = controllerLabels(ref)["pod-template-hash"];
  const owner =
    hash === undefined ? { kind, name } : { kind: "ReplicaSet", name: `${name}-${hash}` };
  const { api: apiVersion } = apiOf(isRestartable(kind) ? kind : "Deployment");
  return { apiVersion, ...owner, uid, controller: true };
}

/** The StatefulSet controller adds a volume for every claim template; without it the pod is invalid. */
function claimedVolumes(ref: WorkloadRef, owner: TemplateObject) {
  const templates = (owner as V1StatefulSet).spec?.volumeClaimTemplates ?? [];
  return templates.map(({ metadata }) => ({
    name: metadata?.name ?? "",
    persistentVolumeClaim: { claimName: `${metadata?.name}-${ref.name}-0` },
  }));
}
