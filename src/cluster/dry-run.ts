import type { V1DaemonSet, V1Deployment, V1Pod, V1StatefulSet } from "@kubernetes/client-node";
import type { DryRun } from "../mesh/proof.ts";
import { apiOf, isRestartable, type RestartableKind } from "../mesh/kinds.ts";
import { pinOf, PROXY_IMAGE } from "../mesh/proxy-image.ts";
import type { WorkloadRef } from "../snapshot.ts";
import { ApiError, isForbidden, isNotFound } from "./api-error.ts";
import type { Api } from "./api.ts";
import { type ApiRollout, referredDeployment } from "./argo-rollout.ts";
import { templateRecord } from "./records.ts";
import { groupOf } from "./tally.ts";
import { createPodDryRun } from "./write.ts";

/**
 * Has the API server create a pod from a workload's template, by its own webhooks, without keeping
 * it: what a restart would get, by the real injector.
 *
 * @returns `unavailable` where that proves nothing: no permission, or a webhook of somebody else
 *   that knows no dry run.
 */
export async function dryRunInjection(api: Api, ref: WorkloadRef): Promise<DryRun> {
  if (!isRestartable(ref.kind)) return unavailable(`a ${ref.kind} has no template to try`);
  try {
    const owner = await templateOwner(api, ref.kind, ref);
    // That of a Rollout may be anywhere.
    if (ref.kind === "Rollout" && !owner.spec?.template) return unavailable("it has no template");
    const pod = podOf(ref, owner);
    const { image, revision } = groupOf(await createPodDryRun(api, ref.namespace, pod));
    const unpinned = await unpinnedImage(api, ref.namespace, pod);
    return { kind: "pod", image, revision, unpinned };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (isAnswer(error)) return { kind: "refused", message: error.message };
    const { message } = error;
    if (isNoProof(message)) return unavailable(message);
    return { kind: "unavailable", message, unanswered: error };
  }
}

/** What holds the template: the workload, or the Deployment that an Argo Rollout refers to. */
async function templateOwner(
  api: Api,
  kind: RestartableKind,
  { namespace, name }: Pick<WorkloadRef, "namespace" | "name">,
): Promise<Owner> {
  const { api: group, resource } = apiOf(kind);
  const path = `/apis/${group}/namespaces/${namespace}/${resource}/${name}`;
  const owner = await api.send({ method: "GET", path, kind });
  const referred = kind === "Rollout" ? referredDeployment(owner as ApiRollout) : undefined;
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
    if (container.name === "istio-proxy") container.image = "auto";
  }
  try {
    return groupOf(await createPodDryRun(api, namespace, plain)).image;
  } catch (error) {
    if (error instanceof ApiError) return undefined;
    throw error;
  }
}

function unavailable(message: string): DryRun {
  return { kind: "unavailable", message };
}

type Owner = V1Deployment | V1StatefulSet | V1DaemonSet;

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
function podOf(ref: WorkloadRef, owner: Owner): V1Pod {
  const template = owner.spec?.template;
  const { labels = {}, annotations = {} } = template?.metadata ?? {};
  const { volumes = [], ...spec } = template?.spec ?? { containers: [] };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      generateName: `${ref.name}-`,
      namespace: ref.namespace,
      labels,
      annotations,
    },
    spec: { ...spec, volumes: [...volumes, ...claimedVolumes(ref, owner)] },
  };
}

/** The StatefulSet controller adds a volume for every claim template; without it the pod is invalid. */
function claimedVolumes(ref: WorkloadRef, owner: Owner) {
  const templates = (owner as V1StatefulSet).spec?.volumeClaimTemplates ?? [];
  return templates.map(({ metadata }) => ({
    name: metadata?.name ?? "",
    persistentVolumeClaim: { claimName: `${metadata?.name}-${ref.name}-0` },
  }));
}
