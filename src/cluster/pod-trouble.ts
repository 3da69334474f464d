import { type PodTrouble, UNSCHEDULABLE } from "../snapshot.ts";
import type { ApiContainerStatus, ApiPod } from "./api-objects.ts";

type Outlook = PodTrouble["outlook"];

/** The restarts after which a crash is no stumble: the second one fails as the first did. */
const LOOPING = 2;

/**
 * The kubelet's waiting reasons that are trouble, and what each leads to. The same reason may be final
 * or not, which its message shows.
 *
 * Sources: k8s.io/kubernetes `pkg/kubelet/container/sync_result.go`, `pkg/kubelet/images/types.go` and
 * `pkg/kubelet/kuberuntime/kuberuntime_container.go` for the reasons; Shopify/krane
 * `lib/krane/kubernetes_resource/pod.rb` (`doom_reason`) for what is final: a missing image and a
 * missing ConfigMap are, but not a cache of ConfigMaps that is not synced yet.
 */
const OUTLOOKS: Readonly<Record<string, (message: string, restarts: number) => Outlook>> = {
  CrashLoopBackOff: outlookOfCrash,
  CreateContainerConfigError: (message) =>
    /failed to sync \S+ cache/.test(message) ? "passing" : "final",
  CreateContainerError: () => "open",
  ErrImageNeverPull: () => "final",
  ErrImagePull: (message) => (isPullFinal(message) ? "final" : "passing"),
  ImageInspectError: () => "open",
  ImagePullBackOff: (message) => (isPullFinal(message) ? "final" : "open"),
  InvalidImageName: () => "final",
  PostStartHookError: outlookOfCrash,
  PreCreateHookError: outlookOfCrash,
  PreStartHookError: outlookOfCrash,
  RegistryUnavailable: () => "open",
  RunContainerError: outlookOfCrash,
  SignatureValidationFailed: () => "open",
};

/** An application often crashes once, for example because its sidecar is not ready yet. */
function outlookOfCrash(_message: string, restarts: number): Outlook {
  return restarts < LOOPING ? "passing" : "final";
}

/**
 * True if the registry's answer will not change: the image does not exist, or the node is not allowed
 * to pull it. A registry that is overloaded or cannot be reached may answer later.
 * Source: the messages of containerd `remotes/docker`, with the codes of the OCI distribution spec.
 */
function isPullFinal(message: string): boolean {
  return (
    /\bnot found\b|manifest unknown|does not exist/i.test(message) ||
    /\bunauthorized\b|\bdenied\b|authentication required|\b40[13]\b/i.test(message)
  );
}

/**
 * Finds the worst trouble of a pod, by the state, the last state and the restarts of its containers.
 * An init container that crashes stays `terminated` between its attempts, while an ordinary container
 * or a native sidecar is mostly `waiting: CrashLoopBackOff`. A container that runs again has no trouble.
 */
export function findTrouble({ metadata, status }: ApiPod): PodTrouble | undefined {
  const pod = metadata?.name ?? "";
  if (status?.phase === "Failed") {
    const reason = status.reason ?? "Failed";
    return { pod, reason, message: status.message ?? "", outlook: "open" };
  }
  const unscheduled = schedulingProblem(status);
  if (unscheduled !== undefined) {
    return { pod, reason: UNSCHEDULABLE, message: unscheduled, outlook: "open" };
  }
  let worst: PodTrouble | undefined;
  for (const containers of [status?.initContainerStatuses, status?.containerStatuses]) {
    for (const container of containers ?? []) worst = worse(worst, troubleOf(pod, container));
  }
  return worst;
}

/** Returns the trouble that is less likely to resolve itself; of two equal ones, the first. */
export function worse(
  one: PodTrouble | undefined,
  other: PodTrouble | undefined,
): PodTrouble | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return RANK[other.outlook] > RANK[one.outlook] ? other : one;
}

const RANK: Readonly<Record<Outlook, number>> = { passing: 0, open: 1, final: 2 };

/** Returns the scheduler's message, if no node fits the pod. */
function schedulingProblem(status: ApiPod["status"]): string | undefined {
  const scheduled = status?.conditions?.find(({ type }) => type === "PodScheduled");
  return scheduled?.status === "False" && scheduled.reason === UNSCHEDULABLE
    ? (scheduled.message ?? "")
    : undefined;
}

function troubleOf(pod: string, container: ApiContainerStatus): PodTrouble | undefined {
  const { name, state, lastState, restartCount = 0 } = container;
  const { waiting, terminated } = state ?? {};
  const reason = waiting?.reason ?? "";
  const outlookOf = Object.hasOwn(OUTLOOKS, reason) ? OUTLOOKS[reason] : undefined;
  if (outlookOf !== undefined) {
    const words = waiting?.message ?? "";
    const message = [words, describeEnd(name, lastState?.terminated)].filter(Boolean).join("; ");
    return {
      pod,
      ...(name && { container: name }),
      reason,
      message,
      outlook: outlookOf(words, restartCount),
    };
  }
  if (terminated === undefined || (terminated.exitCode ?? 0) === 0) return undefined;
  return {
    pod,
    ...(name && { container: name }),
    reason: terminated.reason ?? "Error",
    message: describeEnd(name, terminated) ?? "",
    outlook: outlookOfCrash("", restartCount),
  };
}

type Terminated = NonNullable<ApiContainerStatus["lastState"]>["terminated"];

/** Describes how a container ended. */
function describeEnd(name: string | undefined, end: Terminated): string | undefined {
  if (end === undefined) return undefined;
  const details = [end.reason, end.message?.trim()].filter(Boolean).join(": ");
  return `${name} ended with exit code ${end.exitCode}${details && ` (${details})`}`;
}
