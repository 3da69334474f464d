import { formatDuration } from "../duration-text.ts";
import { resourceName } from "../kubernetes/kinds.ts";
import { type InPlace, inPlaceCommand } from "../mesh/in-place.ts";
import { kubectl, type NextStep, sentence } from "../next-step.ts";
import { isBeingReplaced, type SidecarPod } from "../sidecar-pod.ts";
import { count } from "../wording.ts";
import {
  applicationRuns,
  graceOf,
  isBack,
  isRestarted,
  markOf,
  type ReplacedPod,
  stateOfReplacement,
} from "./replacement.ts";
import {
  type CurrentPod,
  recordOf,
  type ReplaceRequest,
  type Replacing,
  type ReplacingAction,
  type ReplacingObservation,
  type ReplacingRules,
} from "./replacing-state.ts";
import { type Ending, ended } from "./result.ts";
import { isStalled, noteReport, startStall } from "./stall.ts";
import type { Step } from "./step.ts";
import { permissionStep, WHY_STOPPED } from "./stop.ts";

type Next = readonly [Replacing, ReplacingAction];

/** @param now milliseconds since the epoch. */
export function startReplacing(step: Step, rules: ReplacingRules, now: number): Replacing {
  return {
    step,
    rules,
    startedAt: undefined,
    ended: [],
    current: undefined,
    stall: startStall(now),
    conflict: undefined,
  };
}

/**
 * Returns the new state, and the next action. The first action is to judge.
 *
 * @param now milliseconds since the epoch.
 */
export function advanceReplacing(
  replacing: Replacing,
  observation: ReplacingObservation,
  now: number,
): Next {
  const { current } = replacing;
  switch (observation.kind) {
    case "judged":
      return afterJudgement(replacing, observation, now);
    case "not-judged":
      return endWith(replacing, withoutPod(replacing, observation.ending));
    case "pulled":
      return observation.failure === undefined
        ? [replacing, { kind: "judge" }]
        : endWith(replacing, ended("skipped", "image-not-pulled", observation.failure));
    case "permission":
      return afterPermission(replacing, observation);
    case "accepted":
      return afterAcceptance(replacing, observation.request, now);
    case "returned":
      return current === undefined
        ? [replacing, { kind: "judge" }]
        : poll({ ...replacing, current: { ...current, since: now, isReturning: true } });
    case "conflict":
      return current === undefined ? afterConflict(replacing, observation, now) : poll(replacing);
    case "no-answer":
      return current === undefined ? [replacing, { kind: "judge" }] : poll(replacing);
    case "rejected":
    case "forbidden":
      return current === undefined
        ? endWith(replacing, endingWithoutAccess(replacing.step, observation))
        : lost(replacing, current, observation.message, now);
    case "seen":
      return current === undefined
        ? [replacing, { kind: "judge" }]
        : afterRead(replacing, current, observation.pod, now);
    case "unseen":
      return current === undefined
        ? [replacing, { kind: "judge" }]
        : afterFailedRead(replacing, current, observation.message, now);
    case "finished":
      return afterFinish(replacing, now);
  }
}

/** A bare pod that was deleted after its sidecar was patched does not run. */
function withoutPod({ startedAt }: Replacing, ending: Ending): Ending {
  return ending.code === "gone" && startedAt !== undefined
    ? { ...ending, outcome: "failed" }
    : ending;
}

type Judged = ReplacingObservation & { readonly kind: "judged" };

/** The codes of reasons that may pass while other pods of the workload become ready. */
const PASSING: ReadonlySet<string> = new Set([
  "in-place-not-ready",
  "in-place-not-reported",
  "in-place-rolling",
  "in-place-budget",
]);

function afterJudgement(before: Replacing, judged: Judged, now: number): Next {
  const { inPlace, stopped, hold } = judged;
  const adopted = inPlace.kind === "possible" ? unfinishedIn(before, inPlace, judged) : undefined;
  if (adopted !== undefined && !before.rules.dryRun) {
    // An earlier run, or a patch whose answer was lost: it has to end in any case.
    const startedAt = before.startedAt ?? new Date(adopted.since);
    return poll({ ...before, startedAt, current: adopted });
  }
  const hasBegun = before.ended.length > 0;
  if (inPlace.kind === "impossible") {
    const { code, reason, nextStep } = inPlace.finding;
    if (code === "in-place-no-pods") return settle(before, judged, now);
    if (hasBegun && stopped === undefined && PASSING.has(code)) {
      return waitFor(before, reason, judged, now);
    }
    const message = `${progressOf(before, judged)}${reason}`;
    return endWith(before, ended("skipped", code, message, nextStep));
  }
  if (stopped !== undefined) {
    const ending = WHY_STOPPED[stopped];
    const message = `${progressOf(before, judged)}${ending.message}`;
    return endWith(before, { ...ending, message, nextStep: againStep(before) });
  }
  if (hold !== undefined) return waitFor(before, hold, judged, now);
  if (hasBegun && judged.ready < judged.wanted) {
    return waitFor(before, `${judged.ready} of ${judged.wanted} pods are ready`, judged, now);
  }
  if (inPlace.pulls.length > 0 && !before.rules.dryRun)
    return [before, { kind: "pull", pulls: inPlace.pulls }];
  const { to } = before.step;
  const pod = inPlace.pods.find((one) => !isBeingReplaced(one, to.image));
  const mark = pod && markOf(pod, to.image, new Date(now));
  if (pod === undefined || mark === undefined) return settle(before, judged, now);
  const { dryRun } = before.rules;
  const isSameImage = judged.sameImage.has(pod.uid);
  const minReady = minReadyOf(judged);
  const request = { pod, mark, isSameImage, minReady, dryRun };
  const { conflict } = before;
  if (conflict?.resourceVersion === pod.resourceVersion) {
    const { message } = conflict;
    return endWith(before, endingWithoutAccess(before.step, { kind: "rejected", message }));
  }
  return hasBegun
    ? [before, { kind: "patch", request }]
    : [before, { kind: "request-start", request }];
}

/** Returns the pod whose replacement has begun, by its record. */
function unfinishedIn(
  { step: { to } }: Replacing,
  { pods }: InPlace & { readonly kind: "possible" },
  judged: Judged,
): CurrentPod | undefined {
  const pod = pods.find((one) => isBeingReplaced(one, to.image));
  if (pod?.replacing === undefined) return undefined;
  const since = Date.parse(pod.replacing.at);
  const isReturning = pod.sidecar?.image === pod.replacing.image;
  return {
    pod,
    before: pod.replacing,
    isSameImage: judged.sameImage.has(pod.uid),
    since: Number.isNaN(since) ? 0 : since,
    failure: isReturning ? "an earlier run took it back" : undefined,
    isReturning,
    minReady: minReadyOf(judged),
    readySince: undefined,
  };
}

/** The milliseconds for which a pod must be ready at least: one read may show a passing state. */
const LEAST_READY = 1000;

function minReadyOf({ minReady }: Judged): number {
  return Math.max(LEAST_READY, minReady);
}

/** Ends once every pod of the workload is ready: one that was deleted meanwhile has a successor. */
function settle(before: Replacing, judged: Judged, now: number): Next {
  const { ready, wanted } = judged;
  if (before.ended.length === 0 && before.startedAt === undefined) {
    const message = "every pod has the sidecar of the target by now";
    return endWith(before, ended("skipped", "already-current", message));
  }
  if (ready < wanted && judged.stopped === undefined) {
    return waitFor(before, `${ready} of ${wanted} pods are ready`, judged, now);
  }
  const replaced = before.ended.filter(({ outcome }) => outcome === "replaced").length;
  const restarted = before.ended.flatMap(({ application }) => application).some(isRestarted);
  const pods = count(replaced, "sidecar");
  return endWith(
    before,
    ended(
      "replaced",
      "replaced-in-place",
      `${pods} replaced, application ${restarted ? "restarted" : "not restarted"}`,
    ),
  );
}

function waitFor(before: Replacing, why: string, judged: Judged, now: number): Next {
  const { timeout } = before.rules;
  if (isStalled(before.stall, timeout, now)) {
    const message = `${progressOf(before, judged)}no progress for ${formatDuration(timeout)} while waiting: ${why}`;
    return endWith(before, ended("timed-out", "still-waiting", message, againStep(before)));
  }
  const [stall, isNew] = noteReport(before.stall, why);
  return [
    { ...before, stall },
    { kind: "wait", report: isNew ? why : undefined },
  ];
}

function afterPermission(
  replacing: Replacing,
  { permission, request }: ReplacingObservation & { readonly kind: "permission" },
): Next {
  switch (permission.kind) {
    case "stopped":
      return endWith(replacing, WHY_STOPPED[permission.reason]);
    case "not-before":
      return [replacing, { kind: "wait-until", time: permission.time }];
    case "granted":
      return [replacing, { kind: "patch", request }];
  }
}

function afterAcceptance(before: Replacing, request: ReplaceRequest, now: number): Next {
  if (request.dryRun) {
    const message = "the API server would accept the change of its sidecars";
    return endWith(before, ended("skipped", "dry-run", message));
  }
  return poll({
    ...before,
    startedAt: before.startedAt ?? new Date(now),
    stall: startStall(now),
    current: {
      pod: request.pod,
      before: request.mark,
      isSameImage: request.isSameImage,
      minReady: request.minReady,
      readySince: undefined,
      since: now,
      failure: undefined,
      isReturning: false,
    },
  });
}

function afterConflict(
  before: Replacing,
  { pod, message: rejection }: ReplacingObservation & { readonly kind: "conflict" },
  now: number,
): Next {
  const { timeout } = before.rules;
  if (isStalled(before.stall, timeout, now)) {
    const message = "others kept changing its pods before they could be changed";
    return endWith(before, ended("timed-out", "still-changing", message));
  }
  return [
    { ...before, conflict: { resourceVersion: pod.resourceVersion, message: rejection } },
    { kind: "wait", report: undefined },
  ];
}

function afterRead(
  before: Replacing,
  known: CurrentPod,
  pod: SidecarPod | undefined,
  now: number,
): Next {
  const seen = pod === undefined ? known : { ...known, pod };
  // The answer to the patch back was lost.
  const isTakenBack = seen.failure !== undefined && pod?.sidecar?.image === seen.before.image;
  const current =
    isTakenBack && !seen.isReturning ? { ...seen, isReturning: true, since: now } : seen;
  const state = stateOfReplacement(current.before, current.isSameImage, pod);
  const readySince = state.kind === "done" ? (current.readySince ?? now) : undefined;
  const replacing = { ...before, current: { ...current, readySince } };
  if (pod !== undefined && current.isReturning) return afterReturn(replacing, current, now);
  switch (state.kind) {
    case "done":
      return now - (readySince ?? now) >= current.minReady
        ? [replacing, { kind: "finish", pod: current.pod }]
        : poll(replacing);
    case "gone":
      return next(replacing, current, "gone", now);
    case "superseded": {
      const message = `the pod ${current.pod.name}: ${state.message}`;
      return endCurrent(
        replacing,
        current,
        "unfinished",
        now,
        ended("failed", "superseded", message, lookStep(current)),
      );
    }
    case "failed":
      return takeBack(replacing, current, state.message);
    case "starting":
      return now - current.since >= graceOf(current.pod)
        ? takeBack(
            replacing,
            current,
            `not ready after ${formatDuration(now - current.since)}: ${state.message}`,
          )
        : poll(replacing, `the sidecar of ${current.pod.name}: ${state.message}`);
    case "pod-not-ready":
      return afterSidecar(replacing, current, state.message, now);
  }
}

/** The old sidecar would not help a pod whose new one is ready. */
function afterSidecar(replacing: Replacing, current: CurrentPod, why: string, now: number): Next {
  const { timeout } = replacing.rules;
  if (now - current.since < timeout) return poll(replacing, `${current.pod.name}: ${why}`);
  const message = `no progress for ${formatDuration(timeout)}: the pod ${current.pod.name}: ${why}`;
  const ending = ended("timed-out", "no-progress", message, lookStep(current));
  return endCurrent(replacing, current, "unfinished", now, ending);
}

function takeBack(replacing: Replacing, current: CurrentPod, failure: string): Next {
  const failed = { ...current, failure };
  return [
    { ...replacing, current: failed },
    { kind: "take-back", current: failed },
  ];
}

function afterReturn(replacing: Replacing, current: CurrentPod, now: number): Next {
  const { pod, before, failure = "" } = current;
  if (isBack(before, pod)) {
    const message = `the new sidecar of the pod ${pod.name} did not become ready (${failure}); taken back to ${before.image}, which is ready again`;
    return endCurrent(
      replacing,
      current,
      "taken-back",
      now,
      ended("failed", "taken-back", message, lookStep(current)),
    );
  }
  if (now - current.since < graceOf(pod)) {
    return poll(replacing, `${pod.name}: waiting for the old sidecar`);
  }
  return lost(replacing, current, `it is not ready after the way back to ${before.image}`, now);
}

function afterFailedRead(
  replacing: Replacing,
  current: CurrentPod,
  message: string,
  now: number,
): Next {
  const { timeout } = replacing.rules;
  return now - current.since < Math.max(timeout, graceOf(current.pod))
    ? poll(replacing)
    : lost(replacing, current, message, now);
}

/** Ends with a pod that may be without a working sidecar. */
function lost(replacing: Replacing, current: CurrentPod, why: string, now: number): Next {
  const { pod, failure } = current;
  const first = failure === undefined ? "" : `${failure}; `;
  const message = `the pod ${pod.name} may be without a working sidecar: ${first}${why}`;
  const ending = ended("failed", "not-taken-back", message, againStep(replacing));
  return endCurrent(replacing, current, "unfinished", now, ending);
}

function afterFinish(replacing: Replacing, now: number): Next {
  const { current } = replacing;
  if (current === undefined) return [replacing, { kind: "judge" }];
  const restarted = applicationRuns(current.before, current.pod).find(isRestarted);
  if (restarted === undefined) return next(replacing, current, "replaced", now);
  const message = `the container ${restarted.container} of the pod ${current.pod.name} restarted while its sidecar was replaced`;
  const ending = ended("failed", "application-restarted", message, lookStep(current));
  return endCurrent(replacing, current, "replaced", now, ending);
}

/** Continues with the next pod. */
function next(
  replacing: Replacing,
  current: CurrentPod,
  outcome: ReplacedPod["outcome"],
  now: number,
): Next {
  const stall = startStall(now);
  return [{ ...withEnded(replacing, current, outcome, now), stall }, { kind: "judge" }];
}

function endCurrent(
  replacing: Replacing,
  current: CurrentPod,
  outcome: ReplacedPod["outcome"],
  now: number,
  ending: Ending,
): Next {
  return endWith(withEnded(replacing, current, outcome, now), ending);
}

/** Records the end of the replacement in the present pod. */
function withEnded(
  replacing: Replacing,
  current: CurrentPod,
  outcome: ReplacedPod["outcome"],
  now: number,
): Replacing {
  const ending = recordOf(current, outcome, now);
  return { ...replacing, ended: [...replacing.ended, ending], current: undefined };
}

function poll(replacing: Replacing, message?: string): Next {
  const { pod } = replacing.current ?? {};
  if (pod === undefined) return [replacing, { kind: "judge" }];
  if (message === undefined) return [replacing, { kind: "poll", pod, report: undefined }];
  const [stall, isNew] = noteReport(replacing.stall, message);
  return [
    { ...replacing, stall },
    { kind: "poll", pod, report: isNew ? message : undefined },
  ];
}

/** Formats how far the workload is, as the start of a message; empty before its first pod. */
function progressOf({ ended: all }: Replacing, { wanted }: Judged): string {
  const replaced = all.filter(({ outcome }) => outcome === "replaced").length;
  return replaced === 0 ? "" : `${replaced} of ${wanted} sidecars replaced; `;
}

function endingWithoutAccess(
  { ref }: Step,
  { kind, message }: { readonly kind: "rejected" | "forbidden"; readonly message: string },
): Ending {
  return kind === "rejected"
    ? ended(
        "skipped",
        "rejected",
        `the change of its sidecars was rejected: ${message}`,
        sentence`see what rejects it: ${kubectl("describe", resourceName(ref), "-n", ref.namespace)}`,
      )
    : ended("not-started", "permission-lost", `not changed: ${message}`, permissionStep(ref));
}

/** The command that continues, or takes back what an interrupted run left. */
function againStep({ step, rules }: Replacing): NextStep {
  return inPlaceCommand(step.ref, { ...rules.consent });
}

function lookStep({ pod }: CurrentPod): NextStep {
  return sentence`see why: ${kubectl("describe", "pod", pod.name, "-n", pod.namespace)}`;
}

function endWith(replacing: Replacing, ending: Ending): Next {
  return [replacing, { kind: "end", ending }];
}
