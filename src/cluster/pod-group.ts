import { leavesImageOpen, type PodGroup, type PodTrouble } from "../snapshot.ts";
import type { ApiContainerStatus, ApiPod } from "./api-objects.ts";
import { isMarked, revisionOf } from "./injection-marks.ts";
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
    trouble: findTrouble(pod),
  };
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
  return { ...podGroupRecord(pod), image: proxy.image, native: ordinary === undefined };
}

/** Adds a group to the groups of a workload. Merges groups of the same sidecar and revision. */
export function addGroup(groups: PodGroup[], group: PodGroup): void {
  const index = groups.findIndex(
    ({ image, revision, native }) =>
      image === group.image && revision === group.revision && native === group.native,
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
    trouble: a.trouble ?? b.trouble,
  };
}

function timeOf({ metadata }: ApiPod): string | undefined {
  const time = metadata?.creationTimestamp;
  return typeof time === "string" ? time : undefined;
}

function later(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? b : a;
}

/** The kubelet's waiting reasons that do not resolve by themselves. */
const LASTING_REASONS = new Set([
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

function findTrouble({ metadata, status }: ApiPod): PodTrouble | undefined {
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const container = statuses.find(({ state }) => LASTING_REASONS.has(state?.waiting?.reason ?? ""));
  const waiting = container?.state?.waiting;
  return (
    waiting && {
      pod: metadata?.name ?? "",
      reason: waiting.reason ?? "",
      message: [waiting.message, lastTermination(container)].filter(Boolean).join("; "),
    }
  );
}

/** Describes how a container last ended, if it is restarting. */
function lastTermination({ name, lastState }: ApiContainerStatus): string | undefined {
  const end = lastState?.terminated;
  if (end === undefined) return undefined;
  const details = [end.reason, end.message?.trim()].filter(Boolean).join(": ");
  return `${name} ended with exit code ${end.exitCode}${details && ` (${details})`}`;
}
