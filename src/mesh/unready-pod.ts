import type { Blocker, PodEvent, PodGroup, RollingPod, UnreadyPod } from "../snapshot.ts";

/** An event, with what decides if it explains the state of a pod. */
export interface CandidateEvent extends PodEvent {
  readonly isWarning: boolean;
  /** `undefined` if it is about the pod as a whole. */
  readonly container: string | undefined;
}

/** Reasons of events about the end of a pod. */
const ENDING: ReadonlySet<string> = new Set(["FailedKillPod", "FailedPreStopHook", "NodeNotReady"]);
const SCHEDULING = "FailedScheduling";

/**
 * Returns the last warning that explains the present state of a pod. Events outlive their cause: a pod
 * that has a node was scheduled, and a container that runs was created.
 *
 * @param events the newest last.
 */
export function explainingEvent(
  pod: Pick<RollingPod, "blocker" | "trouble" | "node" | "terminating">,
  events: readonly CandidateEvent[],
): PodEvent | undefined {
  const { blocker, trouble, node, terminating } = pod;
  const container = trouble?.container ?? containerOf(blocker);
  const explains = (event: CandidateEvent) => {
    if (!event.isWarning) return false;
    if (terminating) return ENDING.has(event.reason);
    if (node === undefined && blocker === undefined) return event.reason === SCHEDULING;
    if (container !== undefined) return event.container === container;
    return blocker?.kind === "not-started" && event.reason !== SCHEDULING;
  };
  const found = events.findLast(explains);
  return found && { reason: found.reason, message: found.message };
}

export function containerOf(blocker: Blocker | undefined): string | undefined {
  return blocker !== undefined && "container" in blocker ? blocker.container : undefined;
}

/**
 * Describes why a pod is not ready, without the end of the sentence.
 *
 * @param whose such as `the new pod web-1`.
 */
export function unreadyText(
  whose: string,
  { blocker, node }: Pick<UnreadyPod, "blocker" | "node">,
  event: PodEvent | undefined,
): string {
  const place = node === undefined ? whose : `${whose} on ${node}`;
  const words = event === undefined ? "" : `: ${eventText(event)}`;
  switch (blocker?.kind) {
    case "not-started":
      return `the containers of ${place} have not started${words}`;
    case "init":
      return `the init container ${blocker.container} of ${place} has not completed${words}`;
    case "container":
      return `the container ${blocker.container} of ${place} is not ready${words}`;
    case "gate":
      return `${place} is not ready: ${blocker.message}`;
    case undefined:
      return `${place} is not ready${words}`;
  }
}

/** Formats an event. The message of a probe says what failed. */
export function eventText({ reason, message }: PodEvent): string {
  const text = message.trim();
  return reason === "Unhealthy" ? text : [reason, text].filter(Boolean).join(": ");
}

/** Finds the pod of a workload that has been unready for the longest time. */
export function longestUnready(groups: readonly PodGroup[]): UnreadyPod | undefined {
  return groups
    .flatMap(({ unready }) => unready ?? [])
    .toSorted((a, b) => ((a.since ?? "") < (b.since ?? "") ? -1 : 1))[0];
}
