import { listEvents } from "../cluster/events.ts";
import type { Assessment } from "../mesh/assessment.ts";
import { explainingEvent, longestUnready } from "../mesh/unready-pod.ts";
import { readOrNote } from "./optional-read.ts";
import type { Session } from "./session.ts";

/** The workloads whose events one read may list: the reason is most often the same. */
const MOST_LISTED = 10;

/** Adds the last warning about the pod that has been unready for the longest time. */
export type UnreadyLookup = (assessment: Assessment) => Promise<Assessment>;

/** Creates a lookup for one read of the scope. */
export function createUnreadyLookup(session: Session): UnreadyLookup {
  let listed = 0;
  return async (assessment) => {
    const unready = longestUnready(assessment.running);
    if (unready === undefined || listed === MOST_LISTED) return assessment;
    listed += 1;
    const { namespace } = assessment.workload;
    const events = await readOrNote(
      session,
      listEvents(session.api, namespace, unready.uid),
      `list events in ${namespace}: they may say why pods are not ready`,
    );
    if (events === undefined) return assessment;
    const event = explainingEvent({ ...unready, trouble: undefined, terminating: false }, events);
    const running = assessment.running.map((group) =>
      group.unready === unready ? { ...group, unready: { ...unready, event } } : group,
    );
    return { ...assessment, running };
  };
}
