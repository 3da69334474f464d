import { PROXY_CONTAINER } from "../istio-labels.ts";
import { reportedKind } from "../kubernetes/kinds.ts";
import type { PodGroup, PodTemplate } from "../snapshot.ts";
import { relevantAnnotations } from "./annotations.ts";
import type { ApiOwnerReference, ApiPod } from "./api-objects.ts";
import { addedBy, isInjectedWithoutStatus, overriddenIn, withoutMarks } from "./injection-marks.ts";
import { addGroup, podGroupRecord, unmarkedGroupRecord } from "./pod-group.ts";
import { isConfined, templateRecord } from "./workload-records.ts";

/** The pods that have the same direct owner. Of the pods themselves, only their groups are kept. */
export interface PodsByOwner {
  readonly namespace: string;
  /** The controller, or the pod itself if it has none. */
  readonly owner: Owner;
  readonly groups: PodGroup[];
  terminating: number;
  readonly terminatingGroups: PodGroup[];
  /**
   * Pods that have a container `istio-proxy` but not Istio's annotations. Only the template of their
   * workload shows if it defines the container itself. These pods are in none of the other groups.
   */
  readonly unmarked: PodGroup[];
  readonly terminatingUnmarked: PodGroup[];
  /** The template as one pod shows it, if the owner's own template is not listed. */
  readonly sample: PodTemplate | undefined;
  /** The labels and annotations of a bare pod; empty for an owned pod. */
  readonly metadata: Pick<PodTemplate, "labels" | "annotations">;
}

export interface Owner {
  /** The group and version, such as `apps/v1`. */
  readonly apiVersion: string;
  /** With the group if a kind of Kubernetes has the same name: `StatefulSet.apps.kruise.io`. */
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** Adds a pod to the pods of its owner, unless it has finished. */
export function addPod(podsByOwner: Map<string, PodsByOwner>, pod: ApiPod): void {
  if (pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed") return;
  const owner = ownerOf(pod);
  let pods = podsByOwner.get(owner.uid);
  if (pods === undefined) {
    pods = newPodsByOwner(owner, pod);
    podsByOwner.set(owner.uid, pods);
  }
  const unmarked = unmarkedGroupRecord(pod);
  const group = unmarked ?? podGroupRecord(pod);
  if (pod.metadata?.deletionTimestamp === undefined) {
    addGroup(unmarked ? pods.unmarked : pods.groups, group);
  } else {
    pods.terminating += 1;
    addGroup(unmarked ? pods.terminatingUnmarked : pods.terminatingGroups, group);
  }
}

/** Finds the owner that has `controller: true`. */
export function controllerOf(
  references: readonly ApiOwnerReference[] | undefined,
): Owner | undefined {
  const found = references?.find(({ controller }) => controller === true);
  if (found === undefined) return undefined;
  const { apiVersion = "", kind = "", name = "", uid = "" } = found;
  return { apiVersion, kind: reportedKind(kind, apiVersion), name, uid };
}

/** The kinds that own pods only through other objects: no controller counts a pod that names them. */
const INDIRECT: ReadonlySet<string> = new Set(["Deployment", "Rollout", "CronJob"]);

/** Finds the controller of a pod; `undefined` if none would replace it. */
export function podController({ metadata }: Pick<ApiPod, "metadata">): Owner | undefined {
  const controller = controllerOf(metadata?.ownerReferences);
  return controller !== undefined && INDIRECT.has(controller.kind) ? undefined : controller;
}

function ownerOf(pod: ApiPod): Owner {
  const { metadata } = pod;
  return (
    podController(pod) ?? {
      apiVersion: "v1",
      kind: "Pod",
      name: metadata?.name ?? "",
      uid: metadata?.uid ?? "",
    }
  );
}

const NO_METADATA = { labels: {}, annotations: {} };

/** The kinds of direct owners that are listed, or whose own owners are. */
const LISTED: ReadonlySet<string> = new Set(["ReplicaSet", "StatefulSet", "DaemonSet"]);

function newPodsByOwner(owner: Owner, pod: ApiPod): PodsByOwner {
  const { labels = {}, annotations = {}, namespace = "" } = pod.metadata ?? {};
  // The pods of a Deployment, StatefulSet or DaemonSet have a hash of their template as a label. So
  // do the pods of some custom kinds.
  const isOwnerListed =
    LISTED.has(owner.kind) &&
    ("pod-template-hash" in labels || "controller-revision-hash" in labels);
  return {
    namespace,
    owner,
    groups: [],
    terminating: 0,
    terminatingGroups: [],
    unmarked: [],
    terminatingUnmarked: [],
    sample: isOwnerListed ? undefined : templateOfPod(pod),
    metadata:
      owner.kind === "Pod"
        ? { labels, annotations: relevantAnnotations(annotations) }
        : NO_METADATA,
  };
}

/** Reconstructs the template of an injected pod, without what injection added. */
function templateOfPod(pod: ApiPod): PodTemplate {
  const template = templateRecord({
    ...(pod.metadata ? { metadata: pod.metadata } : {}),
    ...(pod.spec ? { spec: pod.spec } : {}),
  });
  const { annotations } = template;
  const { containers, initContainers } = overriddenIn(annotations);
  const own = [...containers, ...initContainers].find(({ name }) => name === PROXY_CONTAINER);
  const image = own?.["image"];
  const overridden = own && {
    image: typeof image === "string" ? image : "auto",
    args: [],
    confined: isConfined({ securityContext: own["securityContext"] }),
  };
  const isInjected =
    addedBy(annotations).containers.includes(PROXY_CONTAINER) ||
    isInjectedWithoutStatus(annotations, template.proxy);
  return {
    ...template,
    annotations: withoutMarks(annotations),
    proxy: isInjected ? overridden : template.proxy,
  };
}
