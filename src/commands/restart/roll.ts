import { ApiError, isConflict, isUnanswered } from "../../http/api-error.ts";
import { sendRestart, serverRestartTime } from "../../cluster/write.ts";
import type { Target } from "../../mesh/running-pods.ts";
import { fieldManagerFor } from "../../mesh/gitops.ts";
import { isRestartable } from "../../kubernetes/kinds.ts";
import { chooseRestartTime } from "../../kubernetes/restart-time.ts";
import { type Ending, ended, type StepResult } from "../../rollout/result.ts";
import { holdReason } from "../../rollout/hold.ts";
import type { Step } from "../../rollout/step.ts";
import type { StartPermission, StopReason } from "../../rollout/schedule.ts";
import { notAsApproved, skipReason } from "../../rollout/skip.ts";
import { WHY_STOPPED } from "../../rollout/stop.ts";
import { restartTime } from "../../snapshot.ts";
import { formatDuration } from "../../duration.ts";
import { followRollout, type Restarted } from "./follow.ts";
import { abandoned } from "./interruption.ts";
import { reassess } from "./reassess.ts";
import { pollInterval } from "./request-limits.ts";
import type { RestartSession } from "./restart-session.ts";
import { knownRefusals } from "./refusals.ts";

/** The run as one of its workloads sees it. */
export interface RunControl {
  /** The reason for which nothing new starts; `undefined` while the run goes on. */
  stopReason(): StopReason | undefined;
  /** @param waited true if the workload waited after its turn came. */
  requestStart(waited: boolean): StartPermission;
  /** Fires if the report is wanted at once. */
  readonly abort: AbortSignal;
}

/** How far one restart has come; written as it goes on, so that it can be told at any moment. */
interface Course {
  to: Target;
  /** When the patch was sent, from that moment on. */
  startedAt: Date | undefined;
}

/** Restarts one workload and waits for it. Never rejects: what goes wrong is its result. */
export async function rollWorkload(
  session: RestartSession,
  step: Step,
  control: RunControl,
): Promise<StepResult> {
  const { io } = session;
  const course: Course = { to: step.to, startedAt: undefined };
  const ending = await Promise.race([
    carryOut(session, step, control, course),
    abandoned(io, step.ref, control.abort, () => course.startedAt !== undefined),
  ]);
  const { ref, from } = step;
  return { ref, from, ...course, ...ending, finishedAt: io.now() };
}

async function carryOut(
  session: RestartSession,
  step: Step,
  control: RunControl,
  course: Course,
): Promise<Ending> {
  try {
    const ready = await settle(session, step, control, course);
    if ("outcome" in ready) {
      course.startedAt = undefined;
      return ready;
    }
    if (session.settings.dryRun !== undefined) {
      course.startedAt = undefined;
      return ended("skipped", "dry-run", "the API server would accept the restart");
    }
    const { image } = ready.target;
    session.progress.emit({ type: "started", ref: step.ref, from: step.from, image });
    return await followRollout(session, step, ready, control.abort);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // A patch that was refused started nothing; one whose answer was lost may have.
    if (!isUnanswered(error)) course.startedAt = undefined;
    return ended("failed", "api-error", error.message);
  }
}

/**
 * Judges the workload anew, waits for what already rolls, and sends the patch for exactly the state
 * that was judged: another run, or a team's own deploy in between, never causes a second restart.
 */
async function settle(
  session: RestartSession,
  step: Step,
  control: RunControl,
  course: Course,
): Promise<Ending | (Restarted & { readonly target: Target })> {
  const { api, io, settings, progress } = session;
  /** Chosen once, before the first try: a patch that is repeated changes nothing. */
  let restartedAt = "";
  /** As it was sent: of an Argo Rollout it is the API server's time. */
  let sent = "";
  let patience = io.now().getTime() + settings.timeout;
  /** What it was last said to wait for. */
  let held: string | undefined;
  let seen: string | undefined;
  /** The events from before our patch, once it may have been taken: its answer was lost, or a conflict. */
  let tried: ReadonlySet<string> | undefined;
  let unanswered: ApiError | undefined;
  for (;;) {
    if (control.abort.aborted) return notStarted("interrupted");
    const judged = await reassess(session, step);
    if ("outcome" in judged) {
      if (unanswered) throw unanswered;
      return judged;
    }
    const { assessment, mesh } = judged;
    const lastAt = restartTime(assessment.workload);
    // The answer to the first try was lost, and the second met what the first had done.
    if (tried && lastAt === sent && assessment.target) {
      return { target: assessment.target, restartedAt: sent, knownRefusals: tried };
    }
    if (unanswered) throw unanswered;
    if (tried && io.now().getTime() >= patience) {
      const message = "it was changed by others each time before it could be restarted";
      return ended("timed-out", "still-changing", message);
    }
    const hold = holdReason(step.to, assessment, mesh, settings.consent);
    if (hold !== undefined) {
      const stopped = control.stopReason();
      // What rolls is waited for, whoever started it.
      if (stopped !== undefined && !hold.rolls) return notStarted(stopped);
      if (hold.progress !== seen) patience = io.now().getTime() + settings.timeout;
      seen = hold.progress;
      if (io.now().getTime() >= patience) {
        const spent = formatDuration(settings.timeout);
        return ended("timed-out", "still-waiting", `gave up after ${spent}: ${hold.message}`);
      }
      if (hold.message !== held) {
        progress.emit({ type: "waiting", ref: step.ref, message: hold.message });
      }
      held = hold.message;
      await io.sleep(pollInterval(settings) * (1 + io.random()), control.abort);
      continue;
    }
    const waited = held !== undefined;
    const skip =
      skipReason(assessment, settings.consent, waited) ??
      (session.approved === undefined ? undefined : notAsApproved(step, assessment));
    if (skip !== undefined) return skip;
    const { workload, target } = assessment;
    if (target === undefined || workload.rollout === undefined || !isRestartable(workload.kind)) {
      return ended("skipped", "not-restartable", "it cannot be restarted any more");
    }
    const known = await knownRefusals(session, step.ref);
    const permission = control.requestStart(waited);
    if (permission.kind === "stopped") return notStarted(permission.reason);
    if (permission.kind === "not-before") {
      await io.sleep(permission.time - io.now().getTime(), control.abort);
      continue;
    }
    course.to = target;
    if (tried === undefined) {
      course.startedAt = io.now();
      restartedAt = chooseRestartTime(course.startedAt, lastAt);
    }
    try {
      const request = {
        ...step.ref,
        kind: workload.kind,
        resourceVersion: workload.rollout.resourceVersion,
        restartedAt,
        fieldManager: fieldManagerFor(workload),
        dryRun: settings.dryRun === "server",
      };
      const needsServerTime = workload.kind === "Rollout" && !request.dryRun;
      sent = needsServerTime ? await serverRestartTime(api, request) : restartedAt;
      await sendRestart(api, { ...request, restartedAt: sent });
      return { target, restartedAt: sent, knownRefusals: known };
    } catch (error) {
      // It changed since it was judged, or was restarted without our hearing of it: judge again.
      if (!isConflict(error) && !isUnanswered(error)) throw error;
      tried = known;
      unanswered = isUnanswered(error) ? error : undefined;
      await io.sleep(pollInterval(settings) * io.random(), control.abort);
    }
  }
}

function notStarted(reason: StopReason): Ending {
  const { outcome, code, message } = WHY_STOPPED[reason];
  return ended(outcome, code, message);
}
