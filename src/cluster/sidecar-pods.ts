import type { V1Container, V1ContainerStatus, V1Pod } from "@kubernetes/client-node";
import { readDuration } from "../duration.ts";
import type { Api } from "../http/api.ts";
import { listAll } from "../http/pages.ts";
import { PROXY_CONTAINER } from "../istio-labels.ts";
import { isObject, parseObject } from "../json-object.ts";
import { groupPath } from "../kubernetes/api-paths.ts";
import { formatSelector } from "../kubernetes/selector.ts";
import {
  type ApplicationContainer,
  type LivenessProbe,
  type NativeSidecar,
  REPLACING,
  type ReplacementMark,
  type SidecarPod,
  type SidecarStatus,
} from "../sidecar-pod.ts";
import type { Workload, WorkloadRef } from "../snapshot.ts";
import { type ApiOwned, OWNED } from "./api-objects.ts";
import { revisionOf } from "./injection-marks.ts";
import { MOST_OWNERS } from "./owner-chain.ts";
import { controllerOf, podController } from "./pods-by-owner.ts";
import { PODS, readByName } from "./read-by-name.ts";

/** A live pod in both forms: as a record, and as the API server's object, for a comparison. */
export interface ReadSidecarPod {
  readonly record: SidecarPod;
  readonly object: V1Pod;
}

/**
 * Reads the live pods of a workload of any kind: those at the end of whose owner chain it is.
 *
 * @throws ApiError
 */
export async function readSidecarPods(
  api: Api,
  { namespace, kind, name, uid, rollout }: WorkloadRef & Pick<Workload, "rollout">,
): Promise<readonly ReadSidecarPod[]> {
  const path = `${groupPath("v1", namespace)}/pods`;
  const labelSelector = rollout === undefined ? undefined : formatSelector(rollout.selector);
  // Nothing but its name leads to a bare pod; other pods may belong to one.
  const fieldSelector = kind === "Pod" ? `metadata.name=${name}` : undefined;
  const list = { path, kind: "PodList", labelSelector, fieldSelector };
  const pods = (await listAll<V1Pod>(api, list)).filter(isLive);
  const owners = await readOwners(api, namespace, pods, uid);
  return pods
    .filter((pod) => leadsTo(pod, uid, owners))
    .map((object) => ({ object, record: sidecarPodRecord(object) }))
    .sort(({ record: a }, { record: b }) => (a.name < b.name ? -1 : 1));
}

/**
 * Reads one pod.
 *
 * @returns `undefined` if it was deleted or recreated, or has finished.
 * @throws ApiError
 */
export async function readSidecarPod(
  api: Api,
  { namespace, name, uid }: Pick<SidecarPod, "namespace" | "name" | "uid">,
): Promise<SidecarPod | undefined> {
  const pod = await readByName<V1Pod>(api, PODS, namespace, name);
  return pod === undefined || pod.metadata?.uid !== uid || !isLive(pod)
    ? undefined
    : sidecarPodRecord(pod);
}

function isLive({ status }: V1Pod): boolean {
  return status?.phase !== "Succeeded" && status?.phase !== "Failed";
}

/** The kinds between a pod and its workload, with the lists that have their owners. */
const BETWEEN = [
  { kind: "ReplicaSet", group: "apps/v1", resource: "replicasets" },
  { kind: "Job", group: "batch/v1", resource: "jobs" },
] as const;

/** Returns the uids of controllers by the uids of the objects that they control. */
async function readOwners(
  api: Api,
  namespace: string,
  pods: readonly V1Pod[],
  uid: string,
): Promise<ReadonlyMap<string, string>> {
  const owners = new Map<string, string>();
  for (const { kind, group, resource } of BETWEEN) {
    const isUsed = pods.some((pod) => {
      const owner = podController(pod);
      return owner?.kind === kind && owner.uid !== uid;
    });
    if (!isUsed) continue;
    const path = `${groupPath(group, namespace)}/${resource}`;
    const list = { path, kind: `${kind}List`, item: OWNED, metadataOnly: true };
    for (const { metadata } of await listAll<ApiOwned>(api, list)) {
      const owner = controllerOf(metadata?.ownerReferences)?.uid;
      if (metadata?.uid !== undefined && owner !== undefined) owners.set(metadata.uid, owner);
    }
  }
  return owners;
}

function leadsTo(pod: V1Pod, uid: string, owners: ReadonlyMap<string, string>): boolean {
  let at = podController(pod)?.uid ?? pod.metadata?.uid;
  for (let step = 0; at !== undefined && step < MOST_OWNERS; step++) {
    if (at === uid) return true;
    at = owners.get(at);
  }
  return false;
}

function sidecarPodRecord(pod: V1Pod): SidecarPod {
  const { metadata = {}, spec, status } = pod;
  const { annotations = {} } = metadata;
  return {
    namespace: metadata.namespace ?? "",
    name: metadata.name ?? "",
    uid: metadata.uid ?? "",
    resourceVersion: metadata.resourceVersion ?? "",
    labels: metadata.labels ?? {},
    node: spec?.nodeName,
    revision: revisionOf(annotations),
    ready: (status?.conditions ?? []).some(
      (condition) => condition.type === "Ready" && condition.status === "True",
    ),
    terminating: metadata.deletionTimestamp !== undefined,
    usesPullSecret: (spec?.imagePullSecrets ?? []).length > 0,
    gracePeriod: spec?.terminationGracePeriodSeconds ?? 30,
    sidecar: nativeSidecar(pod),
    application: applicationContainers(pod),
    livenessProbes: (spec?.containers ?? []).flatMap(livenessProbe),
    replacing: readMark(annotations[REPLACING]),
  };
}

function nativeSidecar({ spec, status }: V1Pod): NativeSidecar | undefined {
  const containers = spec?.initContainers ?? [];
  const index = containers.findIndex(
    ({ name, restartPolicy }) => name === PROXY_CONTAINER && restartPolicy === "Always",
  );
  const container = containers[index];
  if (container === undefined) return undefined;
  const found = status?.initContainerStatuses?.find(({ name }) => name === PROXY_CONTAINER);
  return {
    index,
    image: container.image ?? "",
    pullPolicy: container.imagePullPolicy ?? "",
    drain: drainOf(container),
    status: found && sidecarStatus(found),
  };
}

/** The milliseconds for which a sidecar drains by default. */
const DEFAULT_DRAIN = 5000;

/**
 * Reads for how long a sidecar drains: a setting of the mesh, or a variable that overrides it. With
 * another variable, it drains until its last connection ends.
 * Source: Istio `pilot/cmd/pilot-agent/options/options.go`, `pkg/istio-agent/agent.go`.
 */
function drainOf({ env = [] }: V1Container): number | undefined {
  const valueOf = (name: string) => env.find((one) => one.name === name)?.value;
  if (valueOf("EXIT_ON_ZERO_ACTIVE_CONNECTIONS") === "true") return undefined;
  const seconds = valueOf("TERMINATION_DRAIN_DURATION_SECONDS");
  if (seconds !== undefined) {
    return /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1000 : undefined;
  }
  const configured = parseObject(valueOf("PROXY_CONFIG"))?.["terminationDrainDuration"];
  if (configured === undefined) return DEFAULT_DRAIN;
  return typeof configured === "string" ? readDuration(configured) : undefined;
}

function sidecarStatus(status: V1ContainerStatus): SidecarStatus {
  const { containerID = "", imageID, ready, started, restartCount, state, lastState } = status;
  const { waiting, terminated } = state ?? {};
  const end = terminated ?? lastState?.terminated;
  const lastEnd =
    end === undefined
      ? ""
      : [`exit code ${end.exitCode}`, end.reason, end.message?.trim()].filter(Boolean).join(": ");
  const ended = lastEnd === "" ? "" : `ended with ${lastEnd}`;
  const words = [waiting?.reason, waiting?.message].filter(Boolean).join(": ");
  return {
    containerId: containerID,
    imageId: imageID,
    ready: ready && started === true && state?.running !== undefined,
    restartCount,
    waiting: waiting?.reason,
    message: state?.running === undefined ? [words, ended].filter(Boolean).join("; ") : "",
    lastEnd,
  };
}

function applicationContainers({ spec, status }: V1Pod): readonly ApplicationContainer[] {
  const sidecars = new Set(
    (spec?.initContainers ?? []).flatMap(({ name, restartPolicy }) =>
      restartPolicy === "Always" && name !== PROXY_CONTAINER ? [name] : [],
    ),
  );
  return [
    ...(status?.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name)),
    ...(status?.containerStatuses ?? []),
  ].map(({ name, restartCount, state }) => ({
    name,
    restartCount,
    // A string in JSON, although the client's types say `Date`.
    startedAt: state?.running?.startedAt && String(state.running.startedAt),
  }));
}

/** A probe that runs a command does not reach the container through the network. */
function livenessProbe({ name, livenessProbe: probe }: V1Container): readonly LivenessProbe[] {
  if (probe === undefined || probe.exec !== undefined) return [];
  const { failureThreshold = 3, periodSeconds = 10 } = probe;
  return [{ container: name, failureThreshold, periodSeconds }];
}

/** Reads a mark. Anyone who may change the pod can write it, so every field is checked. */
function readMark(text: string | undefined): ReplacementMark | undefined {
  if (text === undefined) return undefined;
  const mark = parseObject(text) ?? {};
  const { image, to, at, containerId, imageId, restartCount, application } = mark;
  const isText = (value: unknown): value is string => typeof value === "string";
  if (!isText(image) || !isText(to) || !isText(at)) return undefined;
  if (!isText(containerId) || !isText(imageId)) return undefined;
  if (typeof restartCount !== "number" || !Array.isArray(application)) return undefined;
  return {
    image,
    to,
    at,
    containerId,
    imageId,
    restartCount,
    application: application.filter(isObject).flatMap((one) => {
      const { name, restartCount: restarts, startedAt } = one;
      if (!isText(name) || typeof restarts !== "number") return [];
      return [
        { name, restartCount: restarts, startedAt: isText(startedAt) ? startedAt : undefined },
      ];
    }),
  };
}
