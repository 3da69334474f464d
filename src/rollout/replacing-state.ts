import type { ImagePull, InPlace, InPlaceConsent } from "../mesh/in-place.ts";
import type { ReplacementMark, SidecarPod } from "../sidecar-pod.ts";
import { applicationRuns, type ReplacedPod } from "./replacement.ts";
import type { Ending } from "./result.ts";
import type { StartPermission, StopReason } from "./schedule.ts";
import type { Stall } from "./stall.ts";
import type { Step } from "./step.ts";

/**
 * The replacement of the sidecars of one workload, one pod after the other: a state machine without
 * clock, cluster or promise. The next pod has its turn once the last one is ready again.
 */
export interface Replacing {
  readonly step: Step;
  readonly rules: ReplacingRules;
  /** The time of the first patch; `undefined` if no pod was certainly patched. */
  readonly startedAt: Date | undefined;
  /** The pods whose replacement has ended. */
  readonly ended: readonly ReplacedPod[];
  /** The pod whose sidecar is being replaced. */
  readonly current: CurrentPod | undefined;
  readonly stall: Stall;
  /** The last conflict: a second one about the same version of a pod is no conflict, but a rejection. */
  readonly conflict: Conflict | undefined;
}

interface Conflict {
  readonly resourceVersion: string;
  readonly message: string;
}

export interface ReplacingRules {
  /** The longest time without progress, in milliseconds. */
  readonly timeout: number;
  /** True if the API server must check the patch and persist nothing. */
  readonly dryRun: boolean;
  readonly consent: InPlaceConsent;
}

/** A pod that was patched, or is about to be. */
export interface CurrentPod {
  /** The pod as the last read showed it. */
  readonly pod: SidecarPod;
  readonly before: ReplacementMark;
  /** True if both images have the same content. */
  readonly isSameImage: boolean;
  /** The time of the patch, or of the patch back, in milliseconds since the epoch. */
  readonly since: number;
  /** The reason to take the old sidecar back; `undefined` as long as there is none. */
  readonly failure: string | undefined;
  /** True if the old image was patched back. */
  readonly isReturning: boolean;
  /** Milliseconds for which the pod must be ready. */
  readonly minReady: number;
  /** The time since which reads show it ready, in milliseconds since the epoch. */
  readonly readySince: number | undefined;
}

/** A patch of the image of one sidecar. */
export interface ReplaceRequest {
  readonly pod: SidecarPod;
  /** The record to write into the pod, with both images. */
  readonly mark: ReplacementMark;
  /** True if both images have the same content. */
  readonly isSameImage: boolean;
  /** Milliseconds for which the pod must be ready before it counts. */
  readonly minReady: number;
  readonly dryRun: boolean;
}

/** The result of the last action. */
export type ReplacingObservation =
  | {
      readonly kind: "judged";
      readonly inPlace: InPlace;
      /** The uids of the pods in which both images are the same. */
      readonly sameImage: ReadonlySet<string>;
      /** The numbers of pods that are ready, and that should be. */
      readonly ready: number;
      readonly wanted: number;
      /** Milliseconds for which a pod of the workload must be ready to be available. */
      readonly minReady: number;
      /** The reason why nothing new starts; `undefined` if the run is not stopped. */
      readonly stopped: StopReason | undefined;
      /** The reason to wait before the next pod: the control plane is not ready. */
      readonly hold: string | undefined;
    }
  /** The workload could not be assessed, is gone, or no longer needs anything. */
  | { readonly kind: "not-judged"; readonly ending: Ending }
  | { readonly kind: "pulled"; readonly failure: string | undefined }
  | {
      readonly kind: "permission";
      readonly permission: StartPermission;
      readonly request: ReplaceRequest;
    }
  | { readonly kind: "accepted"; readonly request: ReplaceRequest }
  /** The patch back to the old image was accepted. */
  | { readonly kind: "returned" }
  /** The pod is not the one that was judged: a test of the patch failed. */
  | { readonly kind: "conflict"; readonly pod: SidecarPod; readonly message: string }
  /** The patch may have been accepted: its record in the pod shows it. */
  | { readonly kind: "no-answer"; readonly message: string }
  | { readonly kind: "rejected"; readonly message: string }
  | { readonly kind: "forbidden"; readonly message: string }
  /** A read of the current pod; `undefined` if it is gone. */
  | { readonly kind: "seen"; readonly pod: SidecarPod | undefined }
  | { readonly kind: "unseen"; readonly message: string }
  /** The record was removed from the pod, or could not be. */
  | { readonly kind: "finished" };

/** The next thing to do. Every action but the last leads to an observation. */
export type ReplacingAction =
  | { readonly kind: "judge" }
  /** Wait for a poll interval, then judge. `report` is set if the message is new. */
  | { readonly kind: "wait"; readonly report: string | undefined }
  | { readonly kind: "wait-until"; readonly time: number }
  | { readonly kind: "pull"; readonly pulls: readonly ImagePull[] }
  | { readonly kind: "request-start"; readonly request: ReplaceRequest }
  | { readonly kind: "patch"; readonly request: ReplaceRequest }
  /** Wait for a poll interval, then read the current pod. */
  | { readonly kind: "poll"; readonly pod: SidecarPod; readonly report: string | undefined }
  | { readonly kind: "take-back"; readonly current: CurrentPod }
  /** Remove the record of a replacement that has ended. */
  | { readonly kind: "finish"; readonly pod: SidecarPod }
  | { readonly kind: "end"; readonly ending: Ending };

/** Returns what is known about a pod. */
export function recordOf(
  { pod, before }: CurrentPod,
  outcome: ReplacedPod["outcome"],
  now: number,
): ReplacedPod {
  const { containerId, imageId, image } = before;
  const { sidecar } = pod;
  const isOther = sidecar?.status !== undefined && sidecar.status.containerId !== containerId;
  const isGone = outcome === "gone";
  return {
    name: pod.name,
    uid: pod.uid,
    node: pod.node,
    outcome,
    before: { image, containerId, imageId },
    after:
      isOther && !isGone && sidecar.status !== undefined
        ? {
            image: sidecar.image,
            containerId: sidecar.status.containerId,
            imageId: sidecar.status.imageId,
          }
        : undefined,
    application: applicationRuns(before, isGone ? undefined : pod),
    startedAt: new Date(before.at),
    finishedAt: new Date(now),
  };
}
