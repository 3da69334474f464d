import { PROXY_CONTAINER } from "../istio-labels.ts";
import { leavesImageOpen, type OldestPod, type PodGroup, type UnreadyPod } from "../snapshot.ts";
import type { ApiPod } from "./api-objects.ts";
import { isMarked, revisionOf } from "./injection-marks.ts";
import { findBlocker } from "./pod-blocker.ts";
import { findTrouble, worse } from "./pod-trouble.ts";
import { findProxy } from "./workload-records.ts";

const MOST_NAMES = 10;

/** Returns the group that consists of one pod. */
export function podGroupRecord(pod: ApiPod): PodGroup {
  const annotations = pod.metadata?.annotations ?? {};
  // A pod without Istio's annotations may have a container of its own with the sidecar's name.
  const isIstio = isMarked(annotations);
  const ordinary = isIstio ? findProxy(pod.spec?.containers ?? []) : undefined;
  const native = isIstio ? findProxy(pod.spec?.initContainers ?? []) : undefined;
  const proxy = ordinary ?? native;
  const isReady = (pod.status?.conditions ?? []).some(
    ({ type, status }) => type === "Ready" && status === "True",
  );
  return {
    image: proxy?.image,
    revision: proxy && revisionOf(annotations),
    native: proxy !== undefined && ordinary === undefined,
    pods: 1,
    ready: isReady ? 1 : 0,
    podNames: [pod.metadata?.name ?? ""],
    newest: timeOf(pod),
    ...oldestField(oldestPod(pod)),
    trouble: findTrouble(pod),
    ...unreadyField(isReady ? undefined : unreadyPod(pod)),
    ...statusOf(pod, proxy?.image),
  };
}

function oldestField(oldest: OldestPod | undefined): Pick<PodGroup, "oldestPod"> {
  return oldest === undefined ? {} : { oldestPod: oldest };
}

function oldestPod(pod: ApiPod): OldestPod | undefined {
  const createdAt = timeOf(pod);
  return createdAt === undefined ? undefined : { name: pod.metadata?.name ?? "", createdAt };
}

/** A group of ready pods has no such field. */
function unreadyField(unready: UnreadyPod | undefined): Pick<PodGroup, "unready"> {
  return unready === undefined ? {} : { unready };
}

function unreadyPod(pod: ApiPod): UnreadyPod {
  return {
    pod: pod.metadata?.name ?? "",
    uid: pod.metadata?.uid ?? "",
    node: pod.spec?.nodeName,
    since: unreadySince(pod),
    blocker: findBlocker(pod),
  };
}

/** Returns the time at which a pod became unready. A pod without a node never was ready. */
function unreadySince(pod: ApiPod): string | undefined {
  const readiness = pod.status?.conditions?.find(({ type }) => type === "Ready");
  const since = readiness?.status === "False" ? readiness.lastTransitionTime : undefined;
  // A time is a string in JSON, although the client's types say `Date`.
  return typeof since === "string" ? since : timeOf(pod);
}

/** Reads the image of the sidecar in the status of a pod. */
function statusOf(
  { metadata, status }: ApiPod,
  image: string | undefined,
): Pick<PodGroup, "imageId" | "reported"> {
  const found = [
    ...(status?.containerStatuses ?? []),
    ...(status?.initContainerStatuses ?? []),
  ].find(({ name }) => name === PROXY_CONTAINER);
  if (image === undefined || found === undefined) return {};
  const imageId = found.imageID || undefined;
  const { image: running = "" } = found;
  const [tag, reportedTag] = [tagOf(image), tagOf(running)];
  if (tag === undefined || reportedTag === undefined || tag === reportedTag) {
    return imageId === undefined ? {} : { imageId };
  }
  const specChanged = (metadata?.generation ?? 1) > 1;
  return { reported: { image: running, imageId, specChanged } };
}

/**
 * Returns the group of a pod that has a container `istio-proxy`, but neither of Istio's annotations.
 * Either somebody removed them after injection, or the container is the template's own.
 *
 * @returns `undefined` for other pods. The image `auto` shows that nothing was injected.
 */
export function unmarkedGroupRecord(pod: ApiPod): PodGroup | undefined {
  if (isMarked(pod.metadata?.annotations ?? {})) return undefined;
  const ordinary = findProxy(pod.spec?.containers ?? []);
  const proxy = ordinary ?? findProxy(pod.spec?.initContainers ?? []);
  if (proxy === undefined || leavesImageOpen({ image: proxy.image ?? "" })) return undefined;
  return {
    ...podGroupRecord(pod),
    image: proxy.image,
    native: ordinary === undefined,
    ...statusOf(pod, proxy.image),
  };
}

/** The tag of an image. A status may name a digest alone, such as `sha256:4f53...`, which is none. */
function tagOf(image: string): string | undefined {
  return /^sha\d+:/.test(image) ? undefined : /:([^/:@]+)(?:@|$)/.exec(image)?.[1];
}

/** Adds a group to the groups of a workload. Merges groups of the same sidecar and revision. */
export function addGroup(groups: PodGroup[], group: PodGroup): void {
  const index = groups.findIndex(
    ({ image, revision, native, reported }) =>
      image === group.image &&
      revision === group.revision &&
      native === group.native &&
      reported?.image === group.reported?.image &&
      reported?.imageId === group.reported?.imageId &&
      reported?.specChanged === group.reported?.specChanged,
  );
  const other = groups[index];
  if (other === undefined) groups.push(group);
  else groups[index] = merged(other, group);
}

function merged(a: PodGroup, b: PodGroup): PodGroup {
  return {
    ...a,
    pods: a.pods + b.pods,
    ready: a.ready + b.ready,
    podNames:
      a.podNames.length < MOST_NAMES
        ? [...a.podNames, ...b.podNames].sort().slice(0, MOST_NAMES)
        : a.podNames,
    newest: later(a.newest, b.newest),
    ...oldestField(older(a.oldestPod, b.oldestPod)),
    trouble: worse(a.trouble, b.trouble),
    ...unreadyField(longerUnready(a.unready, b.unready)),
  };
}

function longerUnready(
  a: UnreadyPod | undefined,
  b: UnreadyPod | undefined,
): UnreadyPod | undefined {
  if (a === undefined || b?.since === undefined) return a ?? b;
  return a.since === undefined || b.since < a.since ? b : a;
}

function timeOf({ metadata }: ApiPod): string | undefined {
  const time = metadata?.creationTimestamp;
  return typeof time === "string" ? time : undefined;
}

function older(a: OldestPod | undefined, b: OldestPod | undefined): OldestPod | undefined {
  if (a === undefined || b === undefined) return undefined;
  return b.createdAt < a.createdAt ? b : a;
}

function later(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? b : a;
}
