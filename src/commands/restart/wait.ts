import type { LimitFunction } from "p-limit";
import { ApiError } from "../../cluster/api-error.ts";
import { type Ending, ended } from "../../rollout/ending.ts";
import type { Wait } from "../../rollout/plan.ts";
import type { StepResult } from "../../rollout/result.ts";
import type { RestartSettings } from "../../settings.ts";
import type { Session } from "../session.ts";
import { followRollout } from "./follow.ts";
import { givenUp } from "./given-up.ts";
import { knownRefusals } from "./refusals.ts";

/**
 * Follows a restart that was sent before this run, as the run that sent it would have: whatever
 * comes, nothing is changed. Never rejects: what goes wrong is its result.
 *
 * @param since when the run began to wait, in milliseconds since the epoch.
 * @param limit bounds how many are looked at side by side.
 */
export async function awaitRestart(
  session: Session<RestartSettings>,
  wait: Wait,
  abort: AbortSignal,
  since: number,
  limit: LimitFunction,
): Promise<StepResult> {
  const { ref, from, to } = wait;
  const ending = await Promise.race([
    limit(() => follow(session, wait, abort, since)),
    givenUp(session, ref, abort, () => true),
  ]);
  return { ref, from, to, ...ending, startedAt: undefined, finishedAt: session.io.now() };
}

async function follow(
  session: Session<RestartSettings>,
  wait: Wait,
  abort: AbortSignal,
  since: number,
): Promise<Ending> {
  const { ref, to: target, restartedAt } = wait;
  const message = `it was restarted at ${restartedAt}, and is not through`;
  session.progress.emit({ type: "waiting", ref, message });
  try {
    const known = await knownRefusals(session, ref);
    const restarted = { target, restartedAt, knownRefusals: known };
    const ending = await followRollout(session, wait, restarted, abort, since);
    return ending.outcome === "restarted" ? { ...ending, outcome: "waited" } : ending;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return ended("failed", "api-error", error.message);
  }
}
