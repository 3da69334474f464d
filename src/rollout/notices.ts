import { knownApiOf } from "../kubernetes/kinds.ts";
import type { Target } from "../mesh/running-pods.ts";
import { nameAndVersion, shortImage } from "../mesh/short-image.ts";
import type { NextStep } from "../next-step.ts";
import type { WorkloadRef } from "../snapshot.ts";
import { capitalized } from "../wording.ts";
import { isDone, isFailure, type StepResult } from "./result.ts";
import type { From, Step } from "./step.ts";

/** A Kubernetes Event about a workload, before it has a time and a name. */
export interface Notice {
  readonly workload: NoticedWorkload;
  /** `Warning` if somebody has to do something. */
  readonly type: "Normal" | "Warning";
  readonly reason: NoticeReason;
  readonly action: "Restart" | "ReplaceSidecar" | "Inspect";
  /** One or more sentences. */
  readonly message: string;
  readonly nextStep: NextStep;
}

/** A workload as an Event refers to it. */
export interface NoticedWorkload extends WorkloadRef {
  /** The kind without its group, such as `StatefulSet` for `StatefulSet.apps.kruise.io`. */
  readonly kind: string;
  /** The group and version, such as `apps/v1`; `undefined` if they are unknown. */
  readonly apiVersion: string | undefined;
  /** The version that was read; `undefined` if it is unknown. */
  readonly resourceVersion: string | undefined;
}

/** The reasons of Events. They are stable: teams filter and alert by them. */
export const NOTICE_REASONS = [
  "SidecarRestart",
  "SidecarRestarted",
  "SidecarRestartFailed",
  "SidecarRestartUnfinished",
  "SidecarRestartSkipped",
  "SidecarReplacement",
  "SidecarReplaced",
  "SidecarReplacementFailed",
  "SidecarReplacementUnfinished",
  "SidecarReplacementSkipped",
  "SidecarOutdated",
  "SidecarWouldBeLost",
  "SidecarBlocked",
  "SidecarMissing",
  "SidecarPinned",
] as const;

export type NoticeReason = (typeof NOTICE_REASONS)[number];

/** A restart of the workload, or a replacement of its sidecars in place. */
export type Way = "restart" | "replacement";

/** The way in which a run changes workloads, and who wants it. */
export interface NoticedRun {
  readonly way: Way;
  /** The user's name according to the API server; `undefined` if it is unknown. */
  readonly user: string | undefined;
  /** The value of `--reason`. */
  readonly why: string | undefined;
}

/** The share of a run in the rollout of a workload; `none` if it has not touched the workload. */
export type Share = "own" | "awaited" | "none";

/** Returns the notice just before a workload is changed. */
export function noticeOfStart(
  { ref, from, to }: Pick<Step, "ref" | "from" | "to">,
  resourceVersion: string | undefined,
  { way, user, why }: NoticedRun,
): Notice {
  const workload = noticed(ref, undefined, resourceVersion);
  const by = user === undefined ? "istio-upgrade" : `istio-upgrade, run by ${user},`;
  const does =
    way === "restart"
      ? `restarts this ${workload.kind}`
      : `replaces the sidecars of this ${workload.kind} in place, without a restart`;
  const because = why === undefined ? "" : ` Reason: ${why}`;
  return {
    workload,
    type: "Normal",
    reason: way === "restart" ? "SidecarRestart" : "SidecarReplacement",
    action: actionOf(way),
    message: `${by} ${does}: ${imagesText(from, to)}.${because}`,
    nextStep: "",
  };
}

/**
 * Returns the notice about the result of a step or a wait.
 *
 * @param share says whose rollout it is.
 * @returns `undefined` if the workload was left alone: a notice about its state says more.
 */
export function noticeOfResult(
  { ref, to, outcome, code, message, nextStep }: StepResult,
  share: Share,
  { way }: Pick<NoticedRun, "way">,
): Notice | undefined {
  if (share === "none") return undefined;
  const end = endOf(outcome);
  if (end === "skipped" && share === "awaited") return undefined;
  const workload = noticed(ref);
  const { kind } = workload;
  const target = `Its target is ${nameAndVersion(to.image)} (${to.revision}).`;
  const hasTarget = end === "done" && code !== "scaled-to-zero";
  const what = subjectOf(kind, way, share, end);
  return {
    workload,
    type: end === "failed" || end === "unfinished" ? "Warning" : "Normal",
    reason: REASONS[way][end],
    action: actionOf(way),
    message: `${what}: ${message}.${hasTarget ? ` ${target}` : ""}`,
    nextStep,
  };
}

type End = "done" | "failed" | "unfinished" | "skipped";

const REASONS: Readonly<Record<Way, Readonly<Record<End, NoticeReason>>>> = {
  restart: {
    done: "SidecarRestarted",
    failed: "SidecarRestartFailed",
    unfinished: "SidecarRestartUnfinished",
    skipped: "SidecarRestartSkipped",
  },
  replacement: {
    done: "SidecarReplaced",
    failed: "SidecarReplacementFailed",
    unfinished: "SidecarReplacementUnfinished",
    skipped: "SidecarReplacementSkipped",
  },
};

function endOf(outcome: StepResult["outcome"]): End {
  if (isDone(outcome)) return "done";
  if (outcome === "still-rolling" || outcome === "timed-out") return "unfinished";
  return isFailure(outcome) ? "failed" : "skipped";
}

function subjectOf(kind: string, way: Way, share: Share, end: End): string {
  if (share === "awaited") return `istio-upgrade waited for an earlier restart of this ${kind}`;
  const noun =
    way === "restart"
      ? `the restart of this ${kind}`
      : `the replacement of the sidecars of this ${kind}`;
  switch (end) {
    case "done":
      return way === "restart"
        ? `istio-upgrade restarted this ${kind}`
        : `istio-upgrade replaced the sidecars of this ${kind}`;
    case "failed":
      return capitalized(`${noun} by istio-upgrade failed`);
    case "unfinished":
      return capitalized(`${noun} by istio-upgrade is unfinished`);
    case "skipped":
      return way === "restart"
        ? `istio-upgrade did not restart this ${kind}`
        : `istio-upgrade did not replace the sidecars of this ${kind}`;
  }
}

/** Names the sidecars of pods beside the one that new pods get. */
export function imagesText(from: readonly From[], to: Target): string {
  const groups = from.flatMap(({ image, revision }) =>
    image === undefined ? [] : { image, revision },
  );
  const [first] = groups;
  const place = `(${to.revision})`;
  if (first === undefined)
    return `its pods have no sidecar, injection gives ${nameAndVersion(to.image)} ${place}`;
  const isReached = groups.every(
    ({ image, revision }) => image === to.image && (revision ?? to.revision) === to.revision,
  );
  const runs = [
    ...new Set(
      groups.map(
        ({ image, revision }) => `${nameAndVersion(image)} (${revision ?? "unknown revision"})`,
      ),
    ),
  ];
  if (isReached) return `its sidecars run ${runs.join(", ")}, as injection gives`;
  const gives =
    first.image === to.image ? nameAndVersion(to.image) : shortImage(to.image, first.image);
  return `its sidecars run ${runs.join(", ")}, injection gives ${gives} ${place}`;
}

function actionOf(way: Way): Notice["action"] {
  return way === "restart" ? "Restart" : "ReplaceSidecar";
}

/**
 * Returns a workload as an Event refers to it.
 *
 * @param ownApi the API that its pods name; `undefined` for a kind of Kubernetes or Argo Rollouts.
 */
export function noticed(
  { namespace, kind: reported, name, uid }: WorkloadRef,
  ownApi?: string,
  resourceVersion?: string,
): NoticedWorkload {
  // A kind of another group is reported with its group.
  const [kind = reported] = reported.split(".");
  const known = ownApi ?? knownApiOf(reported)?.group;
  return { namespace, kind, name, uid, apiVersion: known, resourceVersion };
}
