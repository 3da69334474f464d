import { isRestartable, type RestartableKind } from "../kubernetes/kinds.ts";
import { chooseRestartTime } from "../kubernetes/restart-time.ts";
import type { Assessment } from "../mesh/assessment.ts";
import { fieldManagerFor } from "../mesh/gitops.ts";
import type { Mesh } from "../mesh/mesh.ts";
import type { Consent } from "../mesh/consent.ts";
import type { Target } from "../mesh/running-pods.ts";
import { formatDuration } from "../duration-text.ts";
import { restartTime, type WorkloadRef } from "../snapshot.ts";
import { type Hold, holdReason } from "./hold.ts";
import { type Ending, ended } from "./result.ts";
import type { StartPermission, StopReason } from "./schedule.ts";
import { notAsApproved, endingWithoutRestart } from "./without-restart.ts";
import { isStalled, noteState, type Stall, startStall } from "./stall.ts";
import type { Step } from "./step.ts";
import { WHY_STOPPED } from "./stop.ts";
import type { Restart } from "./view.ts";

/**
 * An attempt to restart one workload: a state machine without clock, cluster or promise. It patches
 * exactly the version that was assessed, so another run, or a deployment in between, never causes a
 * second restart.
 */
export interface Attempt {
  readonly step: Step;
  readonly rules: AttemptRules;
  /** The target of the last patch; before that, the planned one. */
  readonly to: Target;
  /** The time of the first patch; `undefined` if the workload was certainly not restarted. */
  readonly startedAt: Date | undefined;
  readonly stall: Stall<string>;
  /** The last message about a wait; `undefined` if the workload never had to wait. */
  readonly waitingFor: string | undefined;
  /** RFC 3339; chosen for the first patch, so that a repeated patch changes nothing. */
  readonly restartedAt: string | undefined;
  /** The time in the last patch: for an Argo Rollout it comes from the API server's clock. */
  readonly sent: string | undefined;
  /** The ids of the events about rejected pods from before the last patch. */
  readonly knownRefusals: ReadonlySet<string>;
  /** True from the first conflict or lost answer on. */
  readonly tried: boolean;
  /** The error of a patch whose answer was lost: it may have been accepted. */
  readonly lostAnswer: string | undefined;
}

/** The settings of a run that decide about an attempt. */
export interface AttemptRules {
  readonly consent: Consent;
  /** Milliseconds that a workload may go without progress. */
  readonly timeout: number;
  /** True if the step comes from an approved plan, and must still fit it. */
  readonly approved: boolean;
  /** True if the API server must check the restart and persist nothing. */
  readonly dryRun: boolean;
}

/** A version of a workload that may be patched. */
export interface Candidate {
  readonly target: Target;
  readonly kind: RestartableKind;
  readonly resourceVersion: string;
  readonly fieldManager: string;
  /** The time of its last restart. */
  readonly lastRestart: string | undefined;
}

/** The result of the last action. */
export type AttemptObservation =
  | {
      readonly kind: "assessed";
      readonly assessment: Assessment;
      readonly mesh: Mesh;
      /** The reason why nothing new starts; `undefined` if the run is not stopped. */
      readonly stopped: StopReason | undefined;
    }
  /** The workload could not be assessed, or is gone. */
  | { readonly kind: "not-assessed"; readonly ending: Ending }
  | {
      readonly kind: "permission";
      readonly candidate: Candidate;
      readonly permission: StartPermission;
      readonly knownRefusals: ReadonlySet<string>;
    }
  | {
      readonly kind: "server-time";
      readonly request: PatchRequest;
      readonly restartedAt: string;
    }
  | { readonly kind: "accepted"; readonly request: PatchRequest }
  /** The workload has changed since it was assessed. */
  | { readonly kind: "conflict" }
  /** The patch may have been accepted, but its answer was lost. */
  | { readonly kind: "no-answer"; readonly message: string }
  | { readonly kind: "failed"; readonly message: string }
  /** The user wants the report at once. */
  | { readonly kind: "aborted" };

/** The next thing to do. Every action except the last two leads to an observation. */
export type AttemptAction =
  | { readonly kind: "reassess" }
  /** Wait for a poll interval, then reassess. `report` is set if the message is new. */
  | { readonly kind: "wait"; readonly report: string | undefined }
  /** Wait until a time in milliseconds since the epoch, then reassess. */
  | { readonly kind: "wait-until"; readonly time: number }
  /** Wait for a moment, then reassess: several runs may compete for the same workload. */
  | { readonly kind: "retry" }
  /** Ask the run for permission. `waited` is true if the workload had to wait for something. */
  | { readonly kind: "request-start"; readonly waited: boolean; readonly candidate: Candidate }
  | { readonly kind: "ask-server-time"; readonly request: PatchRequest }
  | { readonly kind: "patch"; readonly request: PatchRequest }
  | { readonly kind: "follow"; readonly restart: AcceptedRestart }
  | { readonly kind: "end"; readonly ending: Ending };

/** The restart of one version of a workload. */
export interface PatchRequest extends WorkloadRef {
  readonly kind: RestartableKind;
  readonly resourceVersion: string;
  readonly restartedAt: string;
  readonly fieldManager: string;
  readonly dryRun: boolean;
}

/** A restart that the API server has accepted. */
export interface AcceptedRestart extends Restart {
  /** The ids of the events about rejected pods from before the restart. */
  readonly knownRefusals: ReadonlySet<string>;
}

/** @param now milliseconds since the epoch. */
export function startAttempt(step: Step, rules: AttemptRules, now: number): Attempt {
  return {
    step,
    rules,
    to: step.to,
    startedAt: undefined,
    stall: startStall(now),
    waitingFor: undefined,
    restartedAt: undefined,
    sent: undefined,
    knownRefusals: new Set(),
    tried: false,
    lostAnswer: undefined,
  };
}

type Next = readonly [Attempt, AttemptAction];

/**
 * Returns the new state, and the next action. The first action of an attempt is to reassess.
 *
 * @param now milliseconds since the epoch.
 */
export function advanceAttempt(
  attempt: Attempt,
  observation: AttemptObservation,
  now: number,
): Next {
  switch (observation.kind) {
    case "aborted":
      return endUntouched(attempt, WHY_STOPPED.interrupted);
    case "not-assessed":
      return attempt.lostAnswer === undefined
        ? endUntouched(attempt, observation.ending)
        : endFailed(attempt, attempt.lostAnswer);
    case "assessed":
      return afterAssessment(attempt, observation, now);
    case "permission":
      return afterPermission(attempt, observation, now);
    case "server-time":
      return patch(attempt, { ...observation.request, restartedAt: observation.restartedAt });
    case "accepted":
      return afterAcceptance(attempt, observation.request);
    case "conflict":
      return [{ ...attempt, tried: true }, { kind: "retry" }];
    case "no-answer":
      return [{ ...attempt, tried: true, lostAnswer: observation.message }, { kind: "retry" }];
    case "failed":
      return endFailed(attempt, observation.message);
  }
}

function afterAssessment(
  attempt: Attempt,
  { assessment, mesh, stopped }: AttemptObservation & { readonly kind: "assessed" },
  now: number,
): Next {
  const { step, rules, sent, stall, waitingFor } = attempt;
  const { workload, target } = assessment;
  const lastRestart = restartTime(workload);
  if (attempt.tried && sent !== undefined && lastRestart === sent && target !== undefined) {
    // The patch was accepted although its answer was lost, or its retry met a conflict.
    const { knownRefusals } = attempt;
    return [attempt, { kind: "follow", restart: { target, restartedAt: sent, knownRefusals } }];
  }
  if (attempt.lostAnswer !== undefined) return endFailed(attempt, attempt.lostAnswer);
  if (attempt.tried && isStalled(stall, rules.timeout, now)) {
    const message = "others kept changing it before it could be restarted";
    return endUntouched(attempt, ended("timed-out", "still-changing", message));
  }
  const hold = holdReason(step.to, assessment, mesh, rules.consent);
  if (hold !== undefined) return waitFor(attempt, hold, stopped, now);
  const waited = waitingFor !== undefined;
  const skip =
    endingWithoutRestart(assessment, rules.consent, waited) ??
    (rules.approved ? notAsApproved(step, assessment) : undefined);
  if (skip !== undefined) return endUntouched(attempt, skip);
  const { kind, rollout } = workload;
  if (target === undefined || rollout === undefined || !isRestartable(kind)) {
    const message = "it can no longer be restarted";
    return endUntouched(attempt, ended("skipped", "not-restartable", message));
  }
  const candidate = {
    target,
    kind,
    resourceVersion: rollout.resourceVersion,
    fieldManager: fieldManagerFor(workload),
    lastRestart,
  };
  return [attempt, { kind: "request-start", waited, candidate }];
}

function waitFor(
  attempt: Attempt,
  { message, progress, isOwnRollout }: Hold,
  stopped: StopReason | undefined,
  now: number,
): Next {
  const { timeout } = attempt.rules;
  // After a stop the run still waits for rollouts, including those of somebody else.
  if (stopped !== undefined && !isOwnRollout) return endUntouched(attempt, WHY_STOPPED[stopped]);
  const stall = noteState(attempt.stall, progress, now);
  if (isStalled(stall, timeout, now)) {
    const why = `no progress for ${formatDuration(timeout)} while waiting: ${message}`;
    return endUntouched(attempt, ended("timed-out", "still-waiting", why));
  }
  const report = message === attempt.waitingFor ? undefined : message;
  return [
    { ...attempt, stall, waitingFor: message },
    { kind: "wait", report },
  ];
}

function afterPermission(
  attempt: Attempt,
  { candidate, permission, knownRefusals }: AttemptObservation & { readonly kind: "permission" },
  now: number,
): Next {
  if (permission.kind === "stopped") return endUntouched(attempt, WHY_STOPPED[permission.reason]);
  if (permission.kind === "not-before") {
    return [attempt, { kind: "wait-until", time: permission.time }];
  }
  const { step, rules, startedAt = new Date(now) } = attempt;
  const { target, lastRestart, ...version } = candidate;
  const restartedAt = attempt.restartedAt ?? chooseRestartTime(startedAt, lastRestart);
  const started = { ...attempt, to: target, startedAt, restartedAt, knownRefusals };
  const request = { ...step.ref, ...version, restartedAt, dryRun: rules.dryRun };
  return request.kind === "Rollout" && !rules.dryRun
    ? [started, { kind: "ask-server-time", request }]
    : patch(started, request);
}

function patch(attempt: Attempt, request: PatchRequest): Next {
  return [
    { ...attempt, sent: request.restartedAt },
    { kind: "patch", request },
  ];
}

function afterAcceptance(attempt: Attempt, { restartedAt }: PatchRequest): Next {
  const { to: target, rules, knownRefusals } = attempt;
  return rules.dryRun
    ? endUntouched(attempt, ended("skipped", "dry-run", "the API server would accept the restart"))
    : [attempt, { kind: "follow", restart: { target, restartedAt, knownRefusals } }];
}

/** Ends an attempt that did not restart the workload. */
function endUntouched(attempt: Attempt, ending: Ending): Next {
  return [
    { ...attempt, startedAt: undefined },
    { kind: "end", ending },
  ];
}

/** Ends an attempt after an error; a patch without an answer may have been accepted. */
function endFailed(attempt: Attempt, message: string): Next {
  const startedAt = attempt.lostAnswer === undefined ? undefined : attempt.startedAt;
  const ending = ended("failed", "api-error", message);
  return [
    { ...attempt, startedAt },
    { kind: "end", ending },
  ];
}
