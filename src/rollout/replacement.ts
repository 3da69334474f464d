import type {
  ApplicationContainer,
  ContainerIdentity,
  ReplacementMark,
  SidecarPod,
} from "../sidecar-pod.ts";

/** The replacement of the sidecar of one pod, as it was proven. */
export interface ReplacedPod {
  readonly name: string;
  readonly uid: string;
  readonly node: string | undefined;
  /**
   * `replaced`: the new sidecar is ready, and so is the pod. `taken-back`: the pod has its old sidecar
   * again. `gone`: the pod was deleted meanwhile. `unfinished`: none of them.
   */
  readonly outcome: "replaced" | "taken-back" | "gone" | "unfinished";
  readonly before: SidecarRun;
  /** `undefined` unless the last read showed another container. */
  readonly after: SidecarRun | undefined;
  readonly application: readonly ApplicationRun[];
  /** The time of the patch. */
  readonly startedAt: Date;
  readonly finishedAt: Date;
}

/** The image of a sidecar, and the container that runs it. */
export interface SidecarRun extends ContainerIdentity {
  readonly image: string;
}

/** A container of the application, before and after the replacement. */
export interface ApplicationRun {
  readonly container: string;
  readonly before: Pick<ApplicationContainer, "restartCount" | "startedAt">;
  /** `undefined` if the pod is gone. */
  readonly after: Pick<ApplicationContainer, "restartCount" | "startedAt"> | undefined;
}

/** The state of a replacement in one read of the pod. */
export type ReplacementState =
  /** The new container runs and is ready, and so is the pod. */
  | { readonly kind: "done" }
  /** The pod was deleted or recreated, or is about to end. */
  | { readonly kind: "gone" }
  /** Somebody else changed the image of the sidecar. */
  | { readonly kind: "superseded"; readonly message: string }
  /** The new sidecar is ready, but the pod is not. */
  | { readonly kind: "pod-not-ready"; readonly message: string }
  | { readonly kind: "starting"; readonly message: string }
  /** The new sidecar does not start: each further second is one without a proxy. */
  | { readonly kind: "failed"; readonly message: string };

/**
 * The reasons of waiting containers that are usual for a moment. Every other one is a failure at once:
 * the image is on the node, so that there is nothing to wait for, and the old sidecar has ended.
 */
const USUAL: ReadonlySet<string> = new Set(["ContainerCreating", "PodInitializing"]);

/** The restarts of a sidecar that its replacement causes. One more is a crash of the new one. */
const OWN_RESTARTS = 1;

/**
 * Judges a replacement by the identities of the containers: a tag proves nothing.
 *
 * @param isSameImage true if both images have the same content, so that only the container differs.
 * @param pod `undefined` if it is gone.
 */
export function stateOfReplacement(
  before: ReplacementMark,
  isSameImage: boolean,
  pod: SidecarPod | undefined,
): ReplacementState {
  if (pod?.sidecar === undefined || pod.terminating) return { kind: "gone" };
  const { image, status } = pod.sidecar;
  if (image !== before.to) {
    return { kind: "superseded", message: `somebody changed the image of its sidecar to ${image}` };
  }
  if (status === undefined) return { kind: "starting", message: "the kubelet reports no sidecar" };
  const { containerId, imageId, ready, restartCount, waiting, message, lastEnd } = status;
  if (waiting !== undefined && !USUAL.has(waiting)) return { kind: "failed", message };
  // A sidecar that crashed once and is ready now does its work.
  if (!ready && restartCount > before.restartCount + OWN_RESTARTS) {
    return { kind: "failed", message: `it crashed: ${lastEnd}` };
  }
  const isOtherContainer = containerId !== "" && containerId !== before.containerId;
  if (!isOtherContainer) return { kind: "starting", message: "the old sidecar has not ended" };
  if (!ready) return { kind: "starting", message: message || "the new sidecar is not ready" };
  if (imageId === before.imageId && !isSameImage) {
    return { kind: "failed", message: `the new container runs the old image ${imageId}` };
  }
  return pod.ready
    ? { kind: "done" }
    : { kind: "pod-not-ready", message: "its sidecar is ready, but the pod is not" };
}

/** True if a pod has its old image again, and its sidecar and the pod are ready. */
export function isBack(before: ReplacementMark, pod: SidecarPod): boolean {
  const { sidecar } = pod;
  if (sidecar?.image !== before.image || sidecar.status?.ready !== true || !pod.ready) return false;
  return sidecar.status.imageId === before.imageId;
}

/** The milliseconds that a sidecar has to be ready, after the time in which the old one has to end. */
const START_GRACE = 30_000;

/** Returns the milliseconds after which a sidecar that is not ready is taken back. */
export function graceOf({ gracePeriod }: Pick<SidecarPod, "gracePeriod">): number {
  return gracePeriod * 1000 + START_GRACE;
}

/** Returns the record of a pod before its sidecar is replaced. */
export function markOf(pod: SidecarPod, to: string, now: Date): ReplacementMark | undefined {
  const { sidecar, application } = pod;
  if (sidecar?.status === undefined) return undefined;
  const { containerId, imageId, restartCount } = sidecar.status;
  const { image } = sidecar;
  return { image, to, at: now.toISOString(), containerId, imageId, restartCount, application };
}

/** Returns the containers of the application before and after a replacement. */
export function applicationRuns(
  before: ReplacementMark,
  pod: SidecarPod | undefined,
): readonly ApplicationRun[] {
  return before.application.map(({ name, restartCount, startedAt }) => {
    const found = pod?.application.find((one) => one.name === name);
    return {
      container: name,
      before: { restartCount, startedAt },
      after: found && { restartCount: found.restartCount, startedAt: found.startedAt },
    };
  });
}

/** True if a container of the application was started again: its count or its start shows it. */
export function isRestarted({ before, after }: ApplicationRun): boolean {
  if (after === undefined) return false;
  return after.restartCount !== before.restartCount || after.startedAt !== before.startedAt;
}
