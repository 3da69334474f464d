import type { LimitFunction } from "p-limit";
import { ApiError, isForbidden } from "../../http/api-error.ts";
import { Gaps } from "../../cluster/gaps.ts";
import { getWorkload } from "../../cluster/named-workload.ts";
import { readPodsOf } from "../../cluster/workloads.ts";
import { formatDuration } from "../../duration.ts";
import { rolloutCommand } from "../../kubernetes/kinds.ts";
import { formatSelector } from "../../kubernetes/selector.ts";
import { type Ending, ended, type StepResult } from "../../rollout/result.ts";
import { endOfWait } from "../../rollout/incomplete.ts";
import type { Wait } from "../../rollout/step.ts";
import { type RolloutStatus, rolloutStatus } from "../../rollout/status.ts";
import type { RestartSettings } from "../../settings.ts";
import type { Workload } from "../../snapshot.ts";
import type { Session } from "../session.ts";
import { abandoned } from "./interruption.ts";

/** How the waits of a run share the API server. */
export interface Looks {
  /** Bounds how many are looked at side by side. */
  readonly limit: LimitFunction;
  /** Milliseconds from one look at a workload to the next, give or take the jitter. */
  readonly interval: number;
}

/**
 * Waits for a restart that was sent before this run; whatever comes, nothing is changed. Never
 * rejects: what goes wrong is its result.
 */
export async function awaitRestart(
  session: Session<RestartSettings>,
  wait: Wait,
  abort: AbortSignal,
  looks: Looks,
): Promise<StepResult> {
  const { ref, from, to, restartedAt } = wait;
  const message = `it was restarted at ${restartedAt}, and is not through`;
  session.progress.emit({ type: "waiting", ref, message });
  const ending = await Promise.race([
    watch(session, wait, abort, looks),
    abandoned(session.io, ref, abort, () => true),
  ]);
  return { ref, from, to, ...ending, startedAt: undefined, finishedAt: session.io.now() };
}

async function watch(
  { api, io, settings, progress }: Session<RestartSettings>,
  { ref, restartedAt }: Wait,
  abort: AbortSignal,
  { limit, interval }: Looks,
): Promise<Ending> {
  let said = "";
  // Only more ready pods than ever are progress: some come and go for ever.
  let most = -1;
  let progressAt = io.now().getTime();
  const rolls = (code: string, why: string) =>
    ended("timed-out", code, `${why}; it still rolls`, rolloutCommand("status", ref));
  for (;;) {
    const looked = await limit(() => look());
    if ("outcome" in looked) return looked;
    const { message, ready } = looked;
    if (message !== said) progress.emit({ type: "waiting", ref, message });
    if (ready > most) progressAt = io.now().getTime();
    said = message;
    most = Math.max(most, ready);
    if (abort.aborted) return rolls("interrupted", "the run was interrupted");
    await io.sleep(interval * (0.75 + io.random() / 2), abort);
  }

  /** How it ended, or how far it is. */
  async function look(): Promise<Ending | Pick<RolloutStatus, "message" | "ready">> {
    // It may have waited for its turn: a silent API server takes minutes for each look.
    if (io.now().getTime() - progressAt >= settings.timeout) {
      return rolls("no-progress", `no progress for ${formatDuration(settings.timeout)}`);
    }
    try {
      const workload = await readRolling();
      if (workload?.rollout === undefined)
        return ended("skipped", "gone", "it was deleted, or created anew");
      return endOfWait(workload, restartedAt) ?? rolloutStatus(workload.rollout);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (isForbidden(error)) {
        const message = `whether it gets ready may not be seen: ${error.message}`;
        const next = `ask for it, then see: ${rolloutCommand("status", ref)}`;
        return ended("skipped", "not-read", message, next);
      }
      return { message: said, ready: most };
    }
  }

  async function readRolling(): Promise<Workload | undefined> {
    const found = await getWorkload(api, ref);
    if (found?.rollout === undefined) return undefined;
    // Pods that may not be listed are a gap of the whole scope already.
    const selector = formatSelector(found.rollout.selector);
    return (await readPodsOf(api, found, selector, new Gaps(api))) ?? found;
  }
}
