/** One live pod, as a replacement of its sidecar in place sees it. */
export interface SidecarPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly node: string | undefined;
  /** The revision that injected the sidecar; `undefined` if the pod names none. */
  readonly revision: string | undefined;
  readonly ready: boolean;
  readonly terminating: boolean;
  /** True if the pod pulls its images with a Secret of its namespace. */
  readonly usesPullSecret: boolean;
  /** The seconds in which the containers of the pod have to end. */
  readonly gracePeriod: number;
  /** The native sidecar; `undefined` if there is none, or if it is an ordinary container. */
  readonly sidecar: NativeSidecar | undefined;
  /** The ordinary containers, and the native sidecars other than Istio's. */
  readonly application: readonly ApplicationContainer[];
  /** The liveness probes of the application that reach it through the sidecar. */
  readonly livenessProbes: readonly LivenessProbe[];
  /** The record of a replacement that has begun; `undefined` if none has. */
  readonly replacing: ReplacementMark | undefined;
}

/** The container `istio-proxy`, as an init container that keeps running. */
export interface NativeSidecar {
  /** Its place in the list of init containers. */
  readonly index: number;
  readonly image: string;
  readonly pullPolicy: string;
  /** The milliseconds for which it drains connections before it ends; `undefined` if unknown. */
  readonly drain: number | undefined;
  /** `undefined` if the kubelet has not reported the container. */
  readonly status: SidecarStatus | undefined;
}

/** The container of a sidecar, as the kubelet reports it. */
export interface SidecarStatus extends ContainerIdentity {
  /** True if the container runs, has started and is ready. */
  readonly ready: boolean;
  readonly restartCount: number;
  /** The reason why it waits, such as `ImagePullBackOff`; `undefined` if it does not wait. */
  readonly waiting: string | undefined;
  /** The words of the kubelet about a container that does not run; empty if it runs. */
  readonly message: string;
  /** The end of its last run, such as `exit code 1: Error`; empty if there is none. */
  readonly lastEnd: string;
}

/** Identifies one run of a container, and its image by content. */
export interface ContainerIdentity {
  /** Such as `containerd://2f9c...`; empty before the first run. */
  readonly containerId: string;
  /** The image with its digest, such as `mcr.microsoft.com/...@sha256:...`. */
  readonly imageId: string;
}

/** A container that a replacement of the sidecar must not restart. */
export interface ApplicationContainer {
  readonly name: string;
  readonly restartCount: number;
  /** In RFC 3339; `undefined` if it does not run. */
  readonly startedAt: string | undefined;
}

export interface LivenessProbe {
  readonly container: string;
  readonly failureThreshold: number;
  readonly periodSeconds: number;
}

/**
 * The record of a replacement, in an annotation of its pod from the patch until the end. Another run
 * needs it to finish the replacement, or to take it back.
 */
export interface ReplacementMark extends ContainerIdentity {
  /** The image before. */
  readonly image: string;
  /** The new image. */
  readonly to: string;
  /** The time of the patch, in RFC 3339. */
  readonly at: string;
  readonly restartCount: number;
  readonly application: readonly ApplicationContainer[];
}

/**
 * True if a replacement has begun and its end is not known. A ready sidecar of another image shows that it
 * has ended, although its record is still there.
 *
 * @param image the image that the sidecar should have.
 */
export function isBeingReplaced({ replacing, sidecar }: SidecarPod, image: string): boolean {
  if (replacing === undefined || sidecar === undefined) return false;
  return sidecar.image === image || sidecar.status?.ready !== true;
}

/** The annotation with the `ReplacementMark` of a pod, in JSON. */
export const REPLACING = "istio-upgrade/replacing-sidecar";

/** A node, with what decides whether sidecars on it can be replaced in place. */
export interface ImageNode {
  readonly name: string;
  /** The version of its kubelet, such as `v1.33.2`. */
  readonly version: string;
  /**
   * The names of images on the node, each group for one image. The kubelet lists at most 50, so that an
   * image which is not listed may be there.
   */
  readonly images: readonly (readonly string[])[];
  readonly taints: readonly NodeTaint[];
}

export interface NodeTaint {
  readonly key: string;
  readonly value: string | undefined;
  readonly effect: string;
}
