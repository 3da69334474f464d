import type { LimitFunction } from "p-limit";
import { messageOf } from "../../errors.ts";
import { Gaps } from "../../cluster/gaps.ts";
import { getWorkload } from "../../cluster/named-workload.ts";
import { readPodsOf } from "../../cluster/workloads.ts";
import { ApiError, isForbidden } from "../../http/api-error.ts";
import { formatSelector } from "../../kubernetes/selector.ts";
import { type Ending, endedUnexpectedly, type StepResult } from "../../rollout/result.ts";
import type { Wait } from "../../rollout/step.ts";
import {
  advanceWaiting,
  startWaiting,
  type Waiting,
  type WaitingAction,
  type WaitingObservation,
} from "../../rollout/waiting.ts";
import type { Workload } from "../../snapshot.ts";
import { writeStacks } from "../../report/error-stack.ts";
import { endAfterAbort } from "./interruption.ts";
import type { RestartSession } from "./restart-session.ts";

/** The limits on the reads of all waits of a run together. */
export interface ReadLimits {
  /** Limits the reads that run at the same time. */
  readonly limit: LimitFunction;
  /** Milliseconds between two reads of one workload, before jitter. */
  readonly interval: number;
}

/**
 * Waits for a restart that was sent before this run. Changes nothing and never rejects: an error is
 * part of the result.
 */
export async function awaitRestart(
  session: RestartSession,
  wait: Wait,
  abort: AbortSignal,
  limits: ReadLimits,
): Promise<StepResult> {
  const { ref, from, to, restartedAt } = wait;
  const { io, progress } = session;
  const message = `restarted at ${restartedAt}, rollout still in progress`;
  progress.emit({ type: "waiting", ref, message });
  const ending = await Promise.race([
    waitUntilReady(session, wait, abort, limits).catch((error: unknown) => {
      writeStacks(error, io);
      return endedUnexpectedly(ref, messageOf(error), true);
    }),
    endAfterAbort(io, ref, abort, () => true),
  ]);
  return { ref, from, to, ...ending, startedAt: undefined, finishedAt: io.now() };
}

async function waitUntilReady(
  session: RestartSession,
  { ref, restartedAt }: Wait,
  abort: AbortSignal,
  { limit, interval }: ReadLimits,
): Promise<Ending> {
  const { io, progress, settings } = session;
  let waiting = startWaiting(ref, restartedAt, settings.timeout, io.now().getTime());
  for (;;) {
    const action = await limit(takeTurn);
    if (action.kind === "end") return action.ending;
    if (action.report !== undefined) {
      progress.emit({ type: "waiting", ref, message: action.report });
    }
    await io.sleep(interval * (0.75 + io.random() / 2), abort);
  }

  async function takeTurn(): Promise<Exclude<WaitingAction, { readonly kind: "read" }>> {
    let action = advance({ kind: "turn" });
    while (action.kind === "read") action = advance(await observe(session, waiting, abort));
    return action;
  }

  function advance(observation: WaitingObservation): WaitingAction {
    const [next, action] = advanceWaiting(waiting, observation, io.now().getTime());
    waiting = next;
    return action;
  }
}

async function observe(
  session: RestartSession,
  { ref }: Waiting,
  abort: AbortSignal,
): Promise<WaitingObservation> {
  try {
    const workload = await readWithPods(session, ref);
    return { kind: "answer", workload, aborted: abort.aborted };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return isForbidden(error)
      ? { kind: "forbidden", message: error.message }
      : { kind: "no-answer", aborted: abort.aborted };
  }
}

async function readWithPods(
  { api }: RestartSession,
  ref: Wait["ref"],
): Promise<Workload | undefined> {
  const found = await getWorkload(api, ref);
  if (found?.rollout === undefined) return undefined;
  // If the user is not allowed to list pods, the scope already has a gap for them.
  const selector = formatSelector(found.rollout.selector);
  return (await readPodsOf(api, found, selector, new Gaps(api))) ?? found;
}
