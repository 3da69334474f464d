import { type PodGroup, type PodTrouble, UNSCHEDULABLE } from "../../../src/snapshot.ts";

export interface SidecarOptions {
  readonly revision?: string | undefined;
  readonly native?: boolean;
  readonly ready?: number;
  readonly podNames?: readonly string[];
  readonly newest?: string;
  readonly oldest?: string;
  readonly trouble?: PodTrouble;
}

/** Returns the image reference that AKS uses: `mcr.microsoft.com/oss/v2/istio/proxyv2:TAG`. */
export function proxyImage(tag: string): string {
  return `mcr.microsoft.com/oss/v2/istio/proxyv2:${tag}`;
}

/** Returns live pods whose sidecars have the same image and revision. */
export function sidecars(pods: number, image: string, options: SidecarOptions = {}): PodGroup {
  if (image === "") throw new Error("a sidecar needs an image");
  return group(pods, image, "revision" in options ? options.revision : "asm-1-27", options);
}

/** Returns the trouble of a pod that crashes; by default in a loop. */
export function crashing(pod: string, outlook: PodTrouble["outlook"] = "final"): PodTrouble {
  return { pod, reason: "CrashLoopBackOff", message: "back-off", outlook };
}

/** Returns the trouble of a pod that fits no node. */
export function unschedulable(pod: string, message = "no nodes available"): PodTrouble {
  return { pod, reason: UNSCHEDULABLE, message, outlook: "open" };
}

/** Returns live pods without a sidecar. */
export function bare(pods: number, options: Pick<SidecarOptions, "ready" | "podNames"> = {}) {
  return group(pods, undefined, undefined, options);
}

function group(
  pods: number,
  image: string | undefined,
  revision: string | undefined,
  { native = false, ready = pods, podNames, newest, oldest, trouble }: SidecarOptions,
): PodGroup {
  if (!Number.isInteger(pods) || pods < 1) throw new Error("a group needs at least one pod");
  if (ready < 0 || ready > pods) throw new Error(`${ready} of ${pods} pods cannot be ready`);
  const names =
    podNames ?? Array.from({ length: Math.min(pods, 10) }, (_, index) => `pod-${index}`);
  if (names.length !== Math.min(pods, 10)) throw new Error("a group names up to ten pods");
  if (trouble && !names.includes(trouble.pod) && pods <= 10) {
    throw new Error(`${trouble.pod} is not in the group`);
  }
  const [name = ""] = names;
  return {
    image,
    revision,
    native,
    pods,
    ready,
    podNames: names.toSorted(),
    newest,
    ...(oldest !== undefined && { oldestPod: { name, createdAt: oldest } }),
    trouble,
  };
}
