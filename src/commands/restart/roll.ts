import { ApiError, isConflict, isUnanswered } from "../../cluster/api-error.ts";
import { readWorkload } from "../../cluster/read.ts";
import { chooseRestartTime, restart, RESTARTED_AT } from "../../cluster/write.ts";
import { type Assessment, assess, type Target } from "../../mesh/assess.ts";
import { fieldManagerFor } from "../../mesh/flux.ts";
import { isRestartable } from "../../mesh/kinds.ts";
import { type Mesh, resolveMesh } from "../../mesh/mesh.ts";
import type { Consent } from "../../mesh/restartability.ts";
import { type Ending, ended } from "../../rollout/ending.ts";
import { isSameTarget, templateChange } from "../../rollout/approval.ts";
import { isWanted, type Step } from "../../rollout/plan.ts";
import type { StepResult } from "../../rollout/result.ts";
import { isPaused, rolloutStatus } from "../../rollout/status.ts";
import type { RestartSettings } from "../../settings.ts";
import type { Gap } from "../../snapshot.ts";
import { policyFor } from "../look.ts";
import type { Session } from "../session.ts";
import { followRollout, type Restarted } from "./follow.ts";
import { pollInterval } from "./poll.ts";
import { knownRefusals } from "./refusals.ts";

type RestartSession = Session<RestartSettings>;

/** Restarts one workload and waits for it. Never rejects: what goes wrong is its result. */
export async function rollWorkload(
  session: RestartSession,
  step: Step,
  consent: Consent,
  abort: AbortSignal,
): Promise<StepResult> {
  const { io } = session;
  let startedAt: Date | undefined;
  let to: Target = step.to;
  const ending = await (async (): Promise<Ending> => {
    try {
      const ready = await settle(session, step, consent, abort);
      if ("outcome" in ready) return ready;
      to = ready.target;
      if (session.settings.dryRun !== undefined) {
        return ended("skipped", "dry-run", "the API server would accept the restart");
      }
      startedAt = ready.startedAt;
      session.progress.emit({ type: "started", ref: step.ref, from: step.from, image: to.image });
      return await followRollout(session, step, ready, abort);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return ended("failed", "api-error", error.message);
    }
  })();
  const { ref, from } = step;
  return { ref, from, to, ...ending, startedAt, finishedAt: io.now() };
}

/**
 * Judges the workload anew, waits for what already rolls, and sends the patch for exactly the state
 * that was judged: another run, or a team's own deploy in between, never causes a second restart.
 */
async function settle(
  session: RestartSession,
  step: Step,
  consent: Consent,
  abort: AbortSignal,
): Promise<Ending | (Restarted & { readonly startedAt: Date })> {
  const { api, io, settings, progress } = session;
  const startedAt = io.now();
  let restartedAt = "";
  const patience = io.now().getTime() + settings.timeout;
  let waited = false;
  /** The events from before our patch, once it may have been taken: its answer was lost, or a conflict. */
  let tried: ReadonlySet<string> | undefined;
  let unanswered: ApiError | undefined;
  for (;;) {
    if (abort.aborted) return ended("not-started", "interrupted", "the run was interrupted");
    const judged = await judgeAgain(session, step, consent);
    if ("outcome" in judged) {
      if (unanswered) throw unanswered;
      return judged;
    }
    const { assessment, mesh } = judged;
    const lastAt = assessment.workload.template?.annotations[RESTARTED_AT];
    // Before the first try, and never after: a patch that is repeated changes nothing.
    if (tried === undefined) restartedAt = chooseRestartTime(startedAt, lastAt);
    // The answer to the first try was lost, and the second met what the first had done.
    if (tried && lastAt === restartedAt && assessment.target) {
      return { target: assessment.target, startedAt, restartedAt, knownRefusals: tried };
    }
    if (unanswered) throw unanswered;
    if (tried && io.now().getTime() >= patience) {
      const message = "it was changed by others each time before it could be restarted";
      return ended("timed-out", "still-changing", message);
    }
    const hold = holdReason(assessment, mesh, consent);
    if (hold !== undefined) {
      if (io.now().getTime() >= patience) {
        return ended("timed-out", "still-waiting", `gave up waiting: ${hold}`);
      }
      waited = true;
      progress.emit({ type: "waiting", ref: step.ref, message: hold });
      await io.sleep(pollInterval(settings) * (1 + io.random()), abort);
      continue;
    }
    const skip =
      skipReason(assessment, settings, waited) ?? notAsApproved(step, assessment, settings);
    if (skip !== undefined) return skip;
    const { workload, target } = assessment;
    if (target === undefined || workload.rollout === undefined || !isRestartable(workload.kind)) {
      return ended("skipped", "not-restartable", "it cannot be restarted any more");
    }
    const known = await knownRefusals(session, step.ref);
    try {
      const written = await restart(api, {
        ...step.ref,
        kind: workload.kind,
        resourceVersion: workload.rollout.resourceVersion,
        restartedAt,
        fieldManager: fieldManagerFor(workload),
        dryRun: settings.dryRun === "server",
      });
      return { target, startedAt, restartedAt: written, knownRefusals: known };
    } catch (error) {
      // It changed since it was judged, or was restarted without our hearing of it: judge again.
      if (!isConflict(error) && !isUnanswered(error)) throw error;
      tried = known;
      unanswered = isUnanswered(error) ? error : undefined;
      await io.sleep(pollInterval(settings) * io.random(), abort);
    }
  }
}

async function judgeAgain(
  { api, settings, prover }: RestartSession,
  step: Step,
  consent: Consent,
): Promise<Ending | { readonly assessment: Assessment; readonly mesh: Mesh }> {
  const snapshot = await readWorkload(api, step.ref, settings.istioNamespace);
  const unreadBy = (gap: Gap | undefined) =>
    gap && ended("skipped", "not-read", `it could not be judged again: ${gap.message}`, gap.hint);
  const unread = unreadBy(snapshot.gaps[0]);
  // No proof tells what runs now.
  const unseen = unreadBy(snapshot.gaps.find(({ about }) => about !== "injection"));
  if (unseen) return unseen;
  const [workload] = snapshot.workloads;
  if (workload === undefined) {
    const gone = "it was deleted, or created anew, since the plan was made";
    return unread ?? ended("skipped", "gone", gone);
  }
  const mesh = resolveMesh(snapshot.controlPlane);
  const namespace = snapshot.namespaces.get(step.ref.namespace);
  const policy = policyFor(settings, consent);
  const dryRun = prover.when === "never" ? undefined : await prover.prove(workload);
  const assessment = assess(workload, namespace, mesh, policy, { dryRun });
  // A part of the rules that could not be read matters no more once the outcome is proved.
  if (unread && assessment?.proved !== true) return unread;
  return assessment === undefined
    ? ended("skipped", "left-the-mesh", "it has left the mesh since the plan was made")
    : { assessment, mesh };
}

/** Why nothing may start right now, although it soon might. */
function holdReason(
  { workload, target }: Assessment,
  mesh: Mesh,
  consent: Consent,
): string | undefined {
  const istiod = target && mesh.revisions.get(target.revision)?.istiod;
  if (istiod && !istiod.ready) return `the control plane ${istiod.name} is not ready`;
  // Somebody's decision: no patience ends it.
  if (isPaused(workload.rollout)) return undefined;
  const status = workload.rollout && rolloutStatus(workload.rollout);
  // What was failing before may never finish on its own; it was asked for all the same.
  if (status?.state !== "waiting" || consent.unhealthy) return undefined;
  return `it is rolling already: ${status.message}`;
}

/** What keeps a step of an approved plan from being carried out as it was approved. */
function notAsApproved(
  step: Step,
  { target, workload }: Assessment,
  { plan }: RestartSettings,
): Ending | undefined {
  if (plan === undefined) return undefined;
  if (target !== undefined && !isSameTarget(target, step.to)) {
    const message = `the target is ${target.image} of ${target.revision} now, not the approved one`;
    return ended("skipped", "target-moved", message);
  }
  const changed = templateChange(step, workload.templateHash);
  return changed && ended("skipped", changed.code, changed.message);
}

function skipReason(
  assessment: Assessment,
  settings: RestartSettings,
  waited: boolean,
): Ending | undefined {
  const { verdict, restart: can, finding } = assessment;
  const include = {
    missing: settings.include.has("missing"),
    current: settings.include.has("current"),
  };
  if (verdict === "current" && (waited || !include.current)) {
    return waited
      ? ended("waited", "on-target", "a rollout that was under way brought it on target")
      : ended("skipped", "already-current", "it is on target already");
  }
  if (!isWanted(verdict, include)) {
    return ended("skipped", finding.code, finding.reason, finding.nextStep);
  }
  if (can.answer === "yes") return undefined;
  const { code, reason, nextStep } = can.finding;
  return ended("skipped", code, reason, nextStep);
}
