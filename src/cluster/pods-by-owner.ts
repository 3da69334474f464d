import type { PodGroup, PodTemplate, PodTrouble } from "../snapshot.ts";
import { relevantAnnotations } from "./annotations.ts";
import type { ApiOwnerReference, ApiPod, ApiContainerStatus } from "./api-objects.ts";
import { addedBy, isMarked, overriddenIn, revisionOf, withoutMarks } from "./injection-marks.ts";
import { addGroup } from "./pod-group.ts";
import { findProxy, isConfined, templateRecord } from "./workload-records.ts";
import { PROXY_CONTAINER } from "../istio-labels.ts";

/** The pods of one direct owner, folded: nothing of a page is kept but this. */
export interface PodsByOwner {
  readonly namespace: string;
  /** The controller, or the pod itself where it has none. */
  readonly owner: Owner;
  readonly groups: PodGroup[];
  terminating: number;
  readonly terminatingGroups: PodGroup[];
  /** The template as one pod shows it, where the owner's own is not listed. */
  readonly sample: PodTemplate | undefined;
  /** Labels and annotations of a bare pod. */
  readonly metadata: Pick<PodTemplate, "labels" | "annotations">;
}

export interface Owner {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** Adds a pod to the tally of its owner, by the owner's uid. */
export function addPod(tallies: Map<string, PodsByOwner>, pod: ApiPod): void {
  // Finished pods run nothing.
  if (pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed") return;
  const owner = ownerOf(pod);
  let tally = tallies.get(owner.uid);
  if (tally === undefined) {
    tally = newTally(owner, pod);
    tallies.set(owner.uid, tally);
  }
  if (pod.metadata?.deletionTimestamp === undefined) {
    addGroup(tally.groups, podGroupRecord(pod));
  } else {
    tally.terminating += 1;
    addGroup(tally.terminatingGroups, podGroupRecord(pod));
  }
}

export function controllerOf(
  references: readonly ApiOwnerReference[] | undefined,
): Owner | undefined {
  const found = references?.find(({ controller }) => controller === true);
  if (found === undefined) return undefined;
  const { kind = "", name = "", uid = "" } = found;
  return { kind, name, uid };
}

function ownerOf({ metadata }: ApiPod): Owner {
  return (
    controllerOf(metadata?.ownerReferences) ?? {
      kind: "Pod",
      name: metadata?.name ?? "",
      uid: metadata?.uid ?? "",
    }
  );
}

const NO_METADATA = { labels: {}, annotations: {} };

function newTally(owner: Owner, pod: ApiPod): PodsByOwner {
  const { labels = {}, annotations = {}, namespace = "" } = pod.metadata ?? {};
  // Pods that a Deployment, StatefulSet or DaemonSet made carry a hash of its template.
  const listed = "pod-template-hash" in labels || "controller-revision-hash" in labels;
  return {
    namespace,
    owner,
    groups: [],
    terminating: 0,
    terminatingGroups: [],
    sample: listed ? undefined : templateOfPod(pod),
    metadata:
      owner.kind === "Pod"
        ? { labels, annotations: relevantAnnotations(annotations) }
        : NO_METADATA,
  };
}

/** What one pod says of itself. */
export function podGroupRecord(pod: ApiPod): PodGroup {
  const name = pod.metadata?.name ?? "";
  const annotations = pod.metadata?.annotations ?? {};
  // A container of that name is not Istio's where nothing says so: a template may have its own.
  const isIstio = isMarked(annotations);
  const inContainers = isIstio ? findProxy(pod.spec?.containers ?? []) : undefined;
  const inInit = isIstio ? findProxy(pod.spec?.initContainers ?? []) : undefined;
  const proxy = inContainers ?? inInit;
  const ready = (pod.status?.conditions ?? []).some(
    ({ type, status }) => type === "Ready" && status === "True",
  );
  return {
    image: proxy?.image,
    revision: proxy && revisionOf(annotations),
    native: proxy !== undefined && inContainers === undefined,
    pods: 1,
    ready: ready ? 1 : 0,
    podNames: [name],
    trouble: troubleOf(pod),
  };
}

/** Waiting reasons of the kubelet that no patience mends. */
const HOPELESS = new Set([
  "CrashLoopBackOff",
  "CreateContainerConfigError",
  "CreateContainerError",
  "ErrImageNeverPull",
  "ErrImagePull",
  "ImageInspectError",
  "ImagePullBackOff",
  "InvalidImageName",
  "PostStartHookError",
  "PreCreateHookError",
  "PreStartHookError",
  "RegistryUnavailable",
  "RunContainerError",
  "SignatureValidationFailed",
]);

function troubleOf({ metadata, status }: ApiPod): PodTrouble | undefined {
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const container = statuses.find(({ state }) => HOPELESS.has(state?.waiting?.reason ?? ""));
  const waiting = container?.state?.waiting;
  return (
    waiting && {
      pod: metadata?.name ?? "",
      reason: waiting.reason ?? "",
      message: [waiting.message, lastWords(container)].filter(Boolean).join("; "),
    }
  );
}

/** How a container ended that is being started over and over. */
function lastWords({ name, lastState }: ApiContainerStatus): string | undefined {
  const end = lastState?.terminated;
  if (end === undefined) return undefined;
  const words = [end.reason, end.message?.trim()].filter(Boolean).join(": ");
  return `${name} ended with exit code ${end.exitCode}${words && ` (${words})`}`;
}

/**
 * The template behind an injected pod: without what injection added. Only for owners whose own
 * template is not read.
 */
function templateOfPod(pod: ApiPod): PodTemplate {
  const template = templateRecord({
    ...(pod.metadata ? { metadata: pod.metadata } : {}),
    ...(pod.spec ? { spec: pod.spec } : {}),
  });
  const { annotations } = template;
  const { containers, initContainers } = overriddenIn(annotations);
  const own = [...containers, ...initContainers].find(({ name }) => name === PROXY_CONTAINER);
  const image = own?.["image"];
  const noted = own && {
    image: typeof image === "string" ? image : "auto",
    args: [],
    confined: isConfined({ securityContext: own["securityContext"] }),
  };
  return {
    ...template,
    annotations: withoutMarks(annotations),
    proxy: addedBy(annotations).containers.includes(PROXY_CONTAINER) ? noted : template.proxy,
  };
}
