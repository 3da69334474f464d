import { readSidecarPod } from "../../cluster/sidecar-pods.ts";
import { endReplacement, sendReplacement, takeReplacementBack } from "../../cluster/write.ts";
import { messageOf } from "../../errors.ts";
import {
  ApiError,
  isConflict,
  isForbidden,
  isNotFound,
  isRejected,
  isUnanswered,
} from "../../http/api-error.ts";
import { inPlaceCommand, type InPlaceConsent } from "../../mesh/in-place.ts";
import type { Mesh } from "../../mesh/mesh.ts";
import { areSameImage } from "../../mesh/node-images.ts";
import type { Target } from "../../mesh/running-pods.ts";
import { writeStacks } from "../../report/error-stack.ts";
import { isSameTarget } from "../../rollout/approval.ts";
import { advanceReplacing, startReplacing } from "../../rollout/replacing.ts";
import {
  recordOf,
  type ReplacingAction,
  type ReplacingObservation,
} from "../../rollout/replacing-state.ts";
import { type Ending, ended, endedUnexpectedly, type StepResult } from "../../rollout/result.ts";
import type { Step } from "../../rollout/step.ts";
import { endingAfterAbort, WHY_STOPPED } from "../../rollout/stop.ts";
import type { RestartSettings } from "../../settings.ts";
import { wantedPods } from "../../snapshot.ts";
import { aborted, causeOf } from "../restart/interruption.ts";
import { reassess, type Reassessment } from "../restart/reassess.ts";
import { pollInterval } from "../restart/request-limits.ts";
import type { RestartSession } from "../restart/restart-session.ts";
import type { RunControl } from "../restart/roll.ts";
import { createInPlaceLookup, type JudgedInPlace } from "./in-place-lookup.ts";
import { createPulledImages, pullImages, type PulledImages } from "./pull.ts";

/** Returns the consent that the flags give to replacements in place. */
export function inPlaceConsent({ consent, pull }: RestartSettings): InPlaceConsent {
  return { downtime: consent.downtime, pull };
}

/**
 * Replaces the sidecars of one workload, one pod after the other. Never rejects: an error is part of the
 * result.
 */
export async function replaceSidecars(
  session: RestartSession,
  step: Step,
  control: RunControl,
): Promise<StepResult> {
  const { io, settings } = session;
  const { ref, from, to } = step;
  const rules = {
    timeout: settings.timeout,
    dryRun: settings.dryRun !== undefined,
    consent: inPlaceConsent(settings),
  };
  const pulled = createPulledImages(() => io.now().getTime());
  let replacing = startReplacing(step, rules, io.now().getTime());
  const ending = await Promise.race([
    replaceAll().catch(unexpectedEnding),
    aborted(io, control.abort).then(endingOfAbort),
  ]);
  const { startedAt, current, ended: all } = replacing;
  const now = io.now();
  const left = current === undefined ? [] : [recordOf(current, "unfinished", now.getTime())];
  const pods = [...all, ...left];
  return {
    ref,
    from,
    to,
    startedAt,
    ...ending,
    finishedAt: now,
    ...(pods.length > 0 && { pods }),
  };

  async function replaceAll(): Promise<Ending> {
    let action: ReplacingAction = { kind: "judge" };
    while (action.kind !== "end") {
      // From here on every pause is skipped, and soon no request is sent: the loop would never yield.
      if (control.abort.aborted) return endingOfAbort();
      const observation = await perform(session, step, action, control, pulled, {
        done: replacing.ended.length,
        isFirst: replacing.startedAt === undefined,
      });
      [replacing, action] = advanceReplacing(replacing, observation, io.now().getTime());
    }
    return action.ending;
  }

  function endingOfAbort(): Ending {
    const cause = causeOf(control.abort);
    const { pod } = replacing.current ?? {};
    if (pod === undefined) {
      return replacing.startedAt === undefined || cause.kind !== "interrupted"
        ? endingAfterAbort(cause, ref, false)
        : { ...WHY_STOPPED.interrupted, nextStep: again() };
    }
    const why =
      cause.kind === "interrupted"
        ? ""
        : `; the API server no longer accepts the login: ${cause.message}`;
    const message = `the sidecar of the pod ${pod.name} was being replaced, and may not be ready${why}`;
    const code = cause.kind === "interrupted" ? "interrupted" : "login-expired";
    return ended("still-rolling", code, message, again());
  }

  /** The same command waits for the pod, or takes its old sidecar back. */
  function again() {
    return inPlaceCommand(ref, rules.consent);
  }

  function unexpectedEnding(error: unknown): Ending {
    writeStacks(error, io);
    const unexpected = endedUnexpectedly(ref, messageOf(error), replacing.startedAt !== undefined);
    return replacing.current === undefined ? unexpected : { ...unexpected, nextStep: again() };
  }
}

type PerformedAction = Exclude<ReplacingAction, { readonly kind: "end" }>;

/** @param progress the number of pods that are done, and whether none has been patched. */
async function perform(
  session: RestartSession,
  step: Step,
  action: PerformedAction,
  control: RunControl,
  pulled: PulledImages,
  { done, isFirst }: { readonly done: number; readonly isFirst: boolean },
): Promise<ReplacingObservation> {
  const { api, io, settings, progress } = session;
  const { ref, from, to } = step;
  const { abort } = control;
  const pause = () => io.sleep(pollInterval(settings) * (0.75 + io.random() / 2), abort);
  switch (action.kind) {
    case "judge":
      return judge(session, step, control, pulled);
    case "wait":
      if (action.report !== undefined) {
        progress.emit({ type: "waiting", ref, message: action.report });
      }
      await pause();
      return judge(session, step, control, pulled);
    case "wait-until":
      await io.sleep(action.time - io.now().getTime(), abort);
      return judge(session, step, control, pulled);
    case "pull": {
      const names = [...new Set(action.pulls.map(({ node }) => node.name))];
      progress.emit({ type: "waiting", ref, message: `pulling images to ${names.join(", ")}` });
      const failure = await pullImages(session, ref, action.pulls, pulled, abort);
      return { kind: "pulled", failure };
    }
    case "request-start":
      return { kind: "permission", permission: control.requestStart(), request: action.request };
    case "patch": {
      const { request } = action;
      await session.notices?.begin(step);
      // The report may be printed by now.
      if (abort.aborted) return { kind: "not-judged", ending: WHY_STOPPED.interrupted };
      try {
        await sendReplacement(api, request);
      } catch (error) {
        return observationOf(error, request.pod);
      }
      if (isFirst && !request.dryRun)
        progress.emit({ type: "started", ref, from, to, inPlace: true });
      return { kind: "accepted", request };
    }
    case "poll":
      if (action.report !== undefined) {
        const wanted = from.reduce((sum, { pods }) => sum + pods, 0);
        progress.emit({
          type: "rolling",
          ref,
          message: action.report,
          ready: done,
          wanted,
          inPlace: true,
        });
      }
      await pause();
      return see(session, action.pod);
    case "take-back": {
      const { pod, before, failure = "" } = action.current;
      const message = `taking the old sidecar of ${pod.name} back: ${failure}`;
      progress.emit({ type: "waiting", ref, message });
      try {
        await takeReplacementBack(api, pod, before);
      } catch (error) {
        await pause();
        return observationOf(error, pod);
      }
      return { kind: "returned" };
    }
    case "finish":
      try {
        await endReplacement(api, action.pod);
      } catch (error) {
        // The record says less than the containers, which the next run reads as well.
        if (!(error instanceof ApiError)) throw error;
      }
      return { kind: "finished" };
  }
}

async function see(
  { api }: RestartSession,
  pod: Parameters<typeof readSidecarPod>[1],
): Promise<ReplacingObservation> {
  try {
    return { kind: "seen", pod: await readSidecarPod(api, pod) };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { kind: "unseen", message: error.message };
  }
}

/** Judges a workload from a fresh read of its own. */
async function judge(
  session: RestartSession,
  step: Step,
  control: RunControl,
  pulled: PulledImages,
): Promise<ReplacingObservation> {
  const { settings } = session;
  let assessed: Reassessment;
  let judged: JudgedInPlace | undefined;
  try {
    assessed = await reassess(session, step, () => control.stopReason());
    if (assessed.kind !== "assessed") return { kind: "not-judged", ending: assessed.ending };
    const { namespaces } = assessed;
    const lookup = createInPlaceLookup(
      session,
      namespaces,
      assessed.mesh,
      inPlaceConsent(settings),
      (node, image) => pulled.has(node, image),
    );
    judged = await lookup.of(assessed.assessment);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return {
      kind: "not-judged",
      ending: ended("skipped", "not-read", `could not be read again: ${error.message}`),
    };
  }
  const { assessment, mesh } = assessed;
  const { workload, target, verdict, finding, running } = assessment;
  if (target !== undefined && !isSameTarget(target, step.to)) {
    const message = `the target is now ${target.image} of ${target.revision}, not the planned one`;
    return { kind: "not-judged", ending: ended("skipped", "target-moved", message) };
  }
  if (judged === undefined && verdict !== "current") {
    const { code, reason, nextStep } = finding;
    return { kind: "not-judged", ending: ended("skipped", code, reason, nextStep) };
  }
  const pods = judged?.pods ?? [];
  const sum = (of: "pods" | "ready") => running.reduce((total, group) => total + group[of], 0);
  return {
    kind: "judged",
    inPlace: judged?.inPlace ?? NOTHING_LEFT,
    sameImage: sameImages(judged, step.to),
    ready: sum("ready"),
    wanted: Math.max(
      sum("pods"),
      workload.rollout === undefined ? 0 : wantedPods(workload.rollout),
    ),
    minReady: (workload.rollout?.minReadySeconds ?? 0) * 1000,
    stopped: assessed.stopped,
    hold: pods.length === 0 ? undefined : holdOf(mesh, step.to),
  };
}

const NOTHING_LEFT = {
  kind: "impossible",
  finding: { code: "in-place-no-pods", reason: "", nextStep: "" },
} as const;

/** A new sidecar gets its configuration from the control plane, and is not ready without it. */
function holdOf({ revisions }: Mesh, { revision }: Target): string | undefined {
  const istiod = revisions.get(revision)?.istiod;
  return istiod === undefined || istiod.ready
    ? undefined
    : `the control plane ${istiod.name} is not ready`;
}

/** Returns the uids of the pods on whose nodes the old and the new image are the same. */
function sameImages(judged: JudgedInPlace | undefined, { image }: Target): ReadonlySet<string> {
  const { pods = [], nodes = new Map() } = judged ?? {};
  return new Set(
    pods.flatMap(({ uid, node, sidecar, replacing }) => {
      const old = replacing?.image ?? sidecar?.image;
      const found = nodes.get(node ?? "");
      const next = replacing?.to ?? image;
      return found !== undefined && old !== undefined && areSameImage(found, old, next)
        ? [uid]
        : [];
    }),
  );
}

function observationOf(
  error: unknown,
  pod: Extract<ReplacingObservation, { readonly kind: "conflict" }>["pod"],
): ReplacingObservation {
  if (!(error instanceof ApiError)) throw error;
  const { message, status } = error;
  if (isUnanswered(error)) return { kind: "no-answer", message };
  if (isForbidden(error)) return { kind: "forbidden", message };
  const isAdmission = /denied the request|failed calling webhook/.test(message);
  // 422: a test of the patch failed. A new read shows what has changed.
  const isOther = isConflict(error) || isNotFound(error) || (status === 422 && !isAdmission);
  if (isOther) return { kind: "conflict", pod, message };
  return isRejected(error) ? { kind: "rejected", message } : { kind: "no-answer", message };
}
