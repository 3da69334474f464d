import { ApiError } from "../../http/api-error.ts";
import { getWorkload } from "../../cluster/named-workload.ts";
import { readRollingPods } from "../../cluster/rolling-pods.ts";
import { formatDuration } from "../../duration.ts";
import { rolloutCommand } from "../../kubernetes/kinds.ts";
import { formatSelector } from "../../kubernetes/selector.ts";
import { type Ending, ended } from "../../rollout/result.ts";
import type { Hindrance } from "../../rollout/hindrance.ts";
import { judgeRollout } from "../../rollout/judgement.ts";
import type { Step } from "../../rollout/step.ts";
import type { Restart, RolloutView } from "../../rollout/view.ts";
import type { RestartSettings } from "../../settings.ts";
import { restartTime, type WorkloadRef } from "../../snapshot.ts";
import type { Session } from "../session.ts";
import { pollInterval } from "./request-limits.ts";
import { mayGetRoom, newRefusals } from "./refusals.ts";

/** A restart that the API server has accepted. */
export interface Restarted extends Restart {
  /** Ids of the events that told of refused pods before. */
  readonly knownRefusals: ReadonlySet<string>;
}

/** Watches a rollout that was just started until it is over, hopeless, or has come to a halt. */
export async function followRollout(
  session: Session<RestartSettings>,
  { ref }: Step,
  restarted: Restarted,
  abort: AbortSignal,
): Promise<Ending> {
  const { io, progress, settings } = session;
  let said = "";
  let seen = "";
  let progressAt = io.now().getTime();
  let hindered: { readonly code: string; readonly since: number } | undefined;
  for (;;) {
    await io.sleep(pollInterval(settings) * (0.75 + io.random() / 2), abort);
    const view = await observe(session, ref, restarted);
    if (view === "gone") {
      return ended("skipped", "gone", "it was deleted, or created anew, while it rolled");
    }
    const now = io.now().getTime();
    if (view !== undefined) {
      const { status, ending, hindrance, progress: state } = judgeRollout(view, restarted);
      if (ending) return ending;
      if (state !== seen) {
        seen = state;
        progressAt = now;
        hindered = undefined;
      }
      if (hindrance?.code !== hindered?.code) {
        hindered = hindrance && { code: hindrance.code, since: now };
      }
      if (hindrance && hindered && now - hindered.since >= hindrance.grace) {
        if (!(await mayPass(session, ref, hindrance))) {
          return ended("failed", hindrance.code, hindrance.message, hindrance.nextStep);
        }
      }
      const { ready, wanted } = status;
      const message = hindrance === undefined ? status.message : hindrance.message;
      const line = JSON.stringify([message, ready, wanted]);
      if (line !== said) progress.emit({ type: "rolling", ref, message, ready, wanted });
      said = line;
    }
    if (abort.aborted) return stillRolling(ref, "interrupted", "it still rolls");
    if (now - progressAt >= settings.timeout) {
      const message = `no progress for ${formatDuration(settings.timeout)}; it still rolls`;
      return stillRolling(ref, "no-progress", message);
    }
  }
}

/** One look: `gone`, or how far it is; `undefined` where the API server did not answer. */
async function observe(
  session: Session,
  ref: WorkloadRef,
  { knownRefusals }: Restarted,
): Promise<RolloutView | "gone" | undefined> {
  const { api } = session;
  try {
    // First the workload, then its pods: when it is done, every new pod is in the list.
    const workload = await getWorkload(api, ref);
    const rollout = workload?.rollout;
    if (rollout === undefined) return "gone";
    const [pods, refusals] = await Promise.all([
      readRollingPods(api, ref.namespace, formatSelector(rollout.selector)),
      newRefusals(session, ref, rollout, knownRefusals),
    ]);
    const restartedAt = workload && restartTime(workload);
    return { ref, rollout, restartedAt, pods, refusals };
  } catch (error) {
    // The rollout goes on without us; only silence for the whole timeout ends the watch.
    if (error instanceof ApiError) return undefined;
    throw error;
  }
}

/** A node that is on its way is worth the whole timeout. */
async function mayPass(
  session: Session,
  { namespace }: WorkloadRef,
  { pod }: Hindrance,
): Promise<boolean> {
  return pod !== undefined && mayGetRoom(session, namespace, pod.uid);
}

function stillRolling(ref: WorkloadRef, code: string, message: string): Ending {
  return ended("timed-out", code, message, rolloutCommand("status", ref));
}
