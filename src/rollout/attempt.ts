import { isRestartable, restartCommand, type RestartableKind } from "../kubernetes/kinds.ts";
import { chooseRestartTime } from "../kubernetes/restart-time.ts";
import type { Assessment } from "../mesh/assessment.ts";
import { fieldManagerFor } from "../mesh/gitops.ts";
import { stepOfStuckRollout } from "../mesh/health.ts";
import type { Mesh } from "../mesh/mesh.ts";
import type { Consent } from "../mesh/consent.ts";
import type { Target } from "../mesh/running-pods.ts";
import { consentToGoBack } from "../mesh/way-back.ts";
import { formatDuration } from "../duration-text.ts";
import { type NextStep, sentence } from "../next-step.ts";
import { restartTime, type Workload, type WorkloadRef } from "../snapshot.ts";
import { type Hold, type HoldRules, holdReason } from "./hold.ts";
import { type Ending, ended } from "./result.ts";
import type { StartPermission, StopReason } from "./schedule.ts";
import { endingWithoutRestart, notAsApproved, notAsShown } from "./without-restart.ts";
import { type Hindrance, needsDeletion, podWithoutNode } from "./hindrance.ts";
import {
  isHinderedTooLong,
  isStalled,
  noteRead,
  noteReport,
  type Patience,
  type Stall,
  startStall,
} from "./stall.ts";
import type { Step } from "./step.ts";
import { permissionStep, WHY_STOPPED } from "./stop.ts";
import type { Restart, RolloutView } from "./view.ts";

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
  readonly stall: Stall;
  /** True if the workload had to wait. */
  readonly waited: boolean;
  /** The ending if the rollout that the workload waits for is stuck. */
  readonly stuck: Ending | undefined;
  /** RFC 3339; chosen for the first patch that may be accepted, so that a repeated patch changes nothing. */
  readonly restartedAt: string | undefined;
  /** The time in the last patch: for an Argo Rollout it comes from the API server's clock. */
  readonly sent: string | undefined;
  /** The ids of the events about rejected pods from before the last patch. */
  readonly knownRefusals: ReadonlySet<string>;
  /** True from the first conflict or lost answer on. */
  readonly tried: boolean;
  /** True if an earlier patch had no answer, so that a conflict may come from this restart itself. */
  readonly unsure: boolean;
  /** The error of a patch whose answer was lost: it may have been accepted. */
  readonly lostAnswer: string | undefined;
}

/** The settings of a run that decide about an attempt. */
export interface AttemptRules extends HoldRules, Patience {
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
      /** The pods, if the workload is rolling. */
      readonly view?: RolloutView | undefined;
    }
  /** `expected` is true if the cluster is adding a node for a pod that cannot be scheduled. */
  | { readonly kind: "room"; readonly expected: boolean }
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
  /**
   * The workload has changed since it was assessed. `mayBeOwn` is true if the same patch was sent before
   * and had no answer, so that it may be the change.
   */
  | { readonly kind: "conflict"; readonly mayBeOwn: boolean }
  /** The patch may have been accepted, but its answer was lost. */
  | { readonly kind: "no-answer"; readonly message: string }
  /** The API server, an admission plugin or a webhook rejected the restart. */
  | { readonly kind: "rejected"; readonly message: string }
  /** The user is not allowed to read or to restart the workload. */
  | { readonly kind: "forbidden"; readonly message: string }
  | { readonly kind: "failed"; readonly message: string }
  /** The user wants the report at once. */
  | { readonly kind: "aborted" };

/** The next thing to do. Every action except the last two leads to an observation. */
export type AttemptAction =
  | { readonly kind: "reassess" }
  /** Wait for a poll interval, then reassess. `report` is set if the message is new. */
  | { readonly kind: "wait"; readonly report: string | undefined }
  | { readonly kind: "check-room"; readonly podUid: string }
  /** Wait until a time in milliseconds since the epoch, then reassess. */
  | { readonly kind: "wait-until"; readonly time: number }
  /** Wait for a moment, then reassess: several runs may compete for the same workload. */
  | { readonly kind: "retry" }
  /** Ask the run for permission. */
  | { readonly kind: "request-start"; readonly candidate: Candidate }
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
    waited: false,
    stuck: undefined,
    restartedAt: undefined,
    sent: undefined,
    knownRefusals: new Set(),
    tried: false,
    unsure: false,
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
    case "room":
      return observation.expected || attempt.stuck === undefined
        ? [attempt, { kind: "wait", report: undefined }]
        : endUntouched(attempt, attempt.stuck);
    case "permission":
      return afterPermission(attempt, observation, now);
    case "server-time":
      return patch(attempt, { ...observation.request, restartedAt: observation.restartedAt });
    case "accepted":
      return afterAcceptance(attempt, observation.request);
    case "conflict":
      return afterConflict(attempt, observation.mayBeOwn);
    case "no-answer":
      return [{ ...attempt, tried: true, lostAnswer: observation.message }, { kind: "retry" }];
    case "rejected":
    case "forbidden":
      // An earlier patch may have been accepted.
      return attempt.lostAnswer === undefined
        ? endUntouched(attempt, endingWithoutAccess(attempt.step, observation))
        : endFailed(attempt, attempt.lostAnswer);
    case "failed":
      return endFailed(attempt, observation.message);
  }
}

/**
 * Forgets a patch that was certainly not accepted. The next one writes a time of its own: a restart by
 * another run in the same second must not be taken for this one.
 */
function afterConflict(attempt: Attempt, mayBeOwn: boolean): Next {
  const tried = { ...attempt, tried: true, unsure: attempt.unsure || mayBeOwn };
  return [tried.unsure ? tried : withoutPatch(tried), { kind: "retry" }];
}

/** Returns an attempt whose patches were certainly not accepted. */
function withoutPatch(attempt: Attempt): Attempt {
  const nothing = { startedAt: undefined, restartedAt: undefined, sent: undefined };
  return { ...attempt, ...nothing, unsure: false, lostAnswer: undefined };
}

/**
 * True if the time of the last restart belongs to another field manager. A patch by this run with the same
 * time was then not accepted: the API server would have accepted only the first of the two, and the
 * other one would have changed nothing.
 */
function isRestartByAnother(workload: Workload): boolean {
  const owners = workload.templateManagers?.filter(({ restarted }) => restarted) ?? [];
  const own = fieldManagerFor(workload);
  return owners.length > 0 && owners.every(({ name }) => name !== own);
}

function endingWithoutAccess(
  { ref }: Step,
  { kind, message }: AttemptObservation & { readonly kind: "rejected" | "forbidden" },
): Ending {
  return kind === "rejected"
    ? ended("skipped", "rejected", `the restart was rejected: ${message}`, rejectionStep(ref))
    : ended("not-started", "permission-lost", `not restarted: ${message}`, permissionStep(ref));
}

/** Returns the next step after a rejected restart. A dry run shows if it is accepted. */
function rejectionStep(ref: WorkloadRef): NextStep {
  return sentence`ask for an exception from what rejects it, then try: ${restartCommand(ref, "--dry-run=server")}`;
}

function afterAssessment(
  attempt: Attempt,
  observation: AttemptObservation & { readonly kind: "assessed" },
  now: number,
): Next {
  const { assessment, mesh, stopped, view } = observation;
  const { step, rules, sent, stall, waited } = attempt;
  const { workload, target } = assessment;
  const lastRestart = restartTime(workload);
  if (attempt.tried && sent !== undefined && lastRestart === sent) {
    if (isRestartByAnother(workload))
      return afterAssessment(withoutPatch(attempt), observation, now);
    // The patch was accepted although its answer was lost, or its retry met a conflict.
    const { to, knownRefusals } = attempt;
    const restart = { target: target ?? to, restartedAt: sent, knownRefusals };
    return [attempt, { kind: "follow", restart }];
  }
  if (attempt.lostAnswer !== undefined) return endFailed(attempt, attempt.lostAnswer);
  if (attempt.tried && isStalled(stall, rules.timeout, now)) {
    const message = "others kept changing it before it could be restarted";
    return endUntouched(attempt, ended("timed-out", "still-changing", message));
  }
  const hold = holdReason(step.to, assessment, mesh, rules, view);
  if (hold !== undefined) {
    const next = waitFor(attempt, hold, assessment, stopped, now);
    if (next !== undefined) return next;
  }
  const skip =
    endingWithoutRestart(step, assessment, rules.consent, waited) ??
    (rules.approved
      ? notAsApproved(step, assessment, rules.consent.back)
      : notAsShown(step, assessment));
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
  return [attempt, { kind: "request-start", candidate }];
}

/** @returns `undefined` if the workload may be restarted although its present rollout is stuck. */
function waitFor(
  attempt: Attempt,
  hold: Hold,
  assessment: Assessment,
  stopped: StopReason | undefined,
  now: number,
): Next | undefined {
  const { message, isOwnRollout, hindrance } = hold;
  const { timeout, consent } = attempt.rules;
  // After a stop the run still waits for rollouts, including those of somebody else.
  if (stopped !== undefined && !isOwnRollout) return endUntouched(attempt, WHY_STOPPED[stopped]);
  const [stall, isNew] = noteReport(noteRead(attempt.stall, hold, now), hindrance?.code ?? message);
  const waiting = { ...attempt, stall, waited: true, stuck: undefined };
  if (hindrance !== undefined && isHinderedTooLong(stall, hindrance, now)) {
    if (stopped === undefined && mayReplace(hindrance, assessment, consent)) return undefined;
    const stuck = endingOfStuck(hindrance, assessment);
    const pod = podWithoutNode(hindrance);
    return pod === undefined
      ? endUntouched(waiting, stuck)
      : [
          { ...waiting, stuck },
          { kind: "check-room", podUid: pod.uid },
        ];
  }
  if (isStalled(stall, timeout, now)) {
    const why = `no progress for ${formatDuration(timeout)} while waiting: ${message}`;
    return endUntouched(waiting, ended("timed-out", "still-waiting", why));
  }
  return [waiting, { kind: "wait", report: isNew ? message : undefined }];
}

/** True if the user agreed to a restart of failing workloads, and it would not create the same pods. */
function mayReplace(
  hindrance: Hindrance,
  { target, restart, running }: Assessment,
  consent: Consent,
): boolean {
  const { pod } = hindrance;
  const { unhealthy } = consentToGoBack(consent, running, target);
  if (needsDeletion(hindrance)) return false;
  return unhealthy && restart.answer === "yes" && pod !== undefined && pod.image !== target?.image;
}

function endingOfStuck({ message, nextStep, pod }: Hindrance, { workload }: Assessment): Ending {
  const why = `stuck in a rollout that was already running: ${message}`;
  const step =
    pod === undefined ? nextStep : stepOfStuckRollout(workload, pod.name, restartCommand(workload));
  return ended("skipped", "stuck-rollout", why, step);
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

/** Ends an attempt that did not restart the workload, as far as it can know. */
function endUntouched(attempt: Attempt, ending: Ending): Next {
  const startedAt = attempt.unsure ? attempt.startedAt : undefined;
  return [
    { ...attempt, startedAt },
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
