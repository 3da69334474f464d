import { isUnexpected } from "../../errors.ts";
import { writeStacks } from "../../report/error-stack.ts";
import { explainEnding, podsOf, suspectOf } from "../../rollout/cause.ts";
import { type Ending, isFailure } from "../../rollout/result.ts";
import type { Restart } from "../../rollout/view.ts";
import { eventsAbout } from "./refusals.ts";
import type { RestartSession } from "./restart-session.ts";
import type { RolloutReader } from "./rollout-reader.ts";

/** Milliseconds that the events may take after an abort, within those that a report waits. */
const ABORT_GRACE = 500;

/** The codes after which the API server answers nothing more. */
const LOST: ReadonlySet<string> = new Set(["login-expired", "permission-lost"]);

/** Adds to an ending what the last read showed, if the API server answers nothing more. */
export function explainedByLastRead(
  { last: view }: RolloutReader,
  restart: Restart | undefined,
  ending: Ending,
): Ending {
  if (view === undefined) return ending;
  const pods = podsOf(view, restart);
  return explainEnding(ending, { view, pods, suspect: suspectOf(view, pods), events: undefined });
}

/**
 * Adds the pod, its container, its last event and the like to the ending of a workload whose pods were
 * read and that did not succeed.
 *
 * @param restart `undefined` if the rollout is not one of this program.
 */
export async function explained(
  session: RestartSession,
  reader: RolloutReader,
  restart: Restart | undefined,
  ending: Ending,
  abort: AbortSignal,
): Promise<Ending> {
  const { last: view } = reader;
  const { outcome, code } = ending;
  const isAboutPods = isFailure(outcome) || outcome === "still-rolling" || code === "stuck-rollout";
  if (view === undefined || !isAboutPods) return ending;
  if (LOST.has(code)) return explainedByLastRead(reader, restart, ending);
  const pods = podsOf(view, restart);
  const suspect = suspectOf(view, pods);
  const asked = suspect
    ? eventsAbout(session, view.ref.namespace, suspect.pod.uid).catch(withoutEvents)
    : undefined;
  const events = abort.aborted
    ? await Promise.race([asked, session.io.sleep(ABORT_GRACE).then(() => undefined)])
    : await asked;
  return explainEnding(ending, { view, pods, suspect, events: events ?? [] });

  /** The ending of a workload matters more than why its events surprised. */
  function withoutEvents(error: unknown): undefined {
    if (!isUnexpected(error)) throw error;
    writeStacks(error, session.io);
  }
}
