/**
 * The patience of a loop with a rollout. Attempting, following and waiting share its rules: only more
 * ready pods than ever before are progress, and a hindrance is a failure once it has outlasted its
 * grace period.
 */
export interface Stall {
  /** The time of the last progress, in milliseconds since the epoch. */
  readonly since: number;
  /**
   * The time at which the pods of the last progress are available, if they stay ready: the controller
   * continues only then. The same as `since` without `minReadySeconds`.
   */
  readonly availableAt: number;
  /** The highest number of ready pods so far; `undefined` before the first count. */
  readonly most: number | undefined;
  /** The current hindrance; `undefined` if there is none. */
  readonly hindered: Hindered | undefined;
  /** The reports since the last progress. */
  readonly reported: ReadonlySet<string>;
  /** The pods that have failed since the last progress; `undefined` if none has. */
  readonly failures: Failures | undefined;
}

interface Hindered {
  readonly code: string;
  /** The time of the first sight of the hindrance, or of the last progress if that is later. */
  readonly since: number;
  /** The last time at which the hindrance was about to resolve itself. */
  readonly resolvingAt: number | undefined;
}

interface Failures {
  readonly since: number;
  readonly uids: ReadonlySet<string>;
  /** True if a pod failed after the grace period of the first failure. */
  readonly lasting: boolean;
}

/** The part of a hindrance that decides how long it may last. */
export interface Grace {
  /** A stable code: another code has a grace period of its own. */
  readonly code: string;
  /** The milliseconds without progress after which the hindrance is a failure. */
  readonly grace: number;
  /** True if the hindrance is about to resolve itself: only the timeout ends it. */
  readonly resolving: boolean;
}

/** The milliseconds in which pods may fail and be replaced before that is a failure. */
const FAILURES_GRACE = 30_000;

/** The milliseconds that a run waits. */
export interface Patience {
  /** The longest time that a workload may go without progress. */
  readonly timeout: number;
  /** The time in which an autoscaler has to announce a node for a pod that fits none. */
  readonly schedulingTimeout: number;
}

export function startStall(now: number): Stall {
  return {
    since: now,
    availableAt: now,
    most: undefined,
    hindered: undefined,
    reported: new Set(),
    failures: undefined,
  };
}

/**
 * Restarts the timer if more pods are ready than ever before. Pods that become ready and unready
 * again and again are no progress. Progress restarts the grace period of a hindrance, too.
 *
 * @param minReady milliseconds for which a pod must be ready until it is available.
 */
export function noteReady(stall: Stall, ready: number, now: number, minReady = 0): Stall {
  const { most = -1, since, availableAt } = stall;
  if (ready > most) {
    const available = ready === 0 ? now : now + minReady;
    return { ...startStall(now), most: ready, availableAt: available };
  }
  // A pod that becomes unready before it was available has to begin again.
  return ready < most && now < availableAt ? { ...stall, availableAt: since } : stall;
}

/** Notes the current hindrance. One that has disappeared in between has a new grace period. */
export function noteHindrance(stall: Stall, hindrance: Grace | undefined, now: number): Stall {
  if (hindrance === undefined) return { ...stall, hindered: undefined };
  const { code, resolving } = hindrance;
  const before = stall.hindered?.code === code ? stall.hindered : undefined;
  const { since, resolvingAt } = before ?? { since: now, resolvingAt: undefined };
  return { ...stall, hindered: { code, since, resolvingAt: resolving ? now : resolvingAt } };
}

/**
 * True if the current hindrance has outlasted its grace period, or pods fail again and again. After a hindrance was about to resolve
 * itself, it may last as long again: a controller doubles the pause between two attempts, so that its
 * next attempt comes by then.
 */
export function isHinderedTooLong(
  { hindered, failures }: Stall,
  { grace, resolving }: Grace,
  now: number,
): boolean {
  if (failures?.lasting === true) return true;
  if (hindered === undefined || resolving) return false;
  const { since, resolvingAt = since } = hindered;
  return now - resolvingAt >= Math.max(grace, resolvingAt - since);
}

/**
 * Notes the pods that have failed. Their controller replaces each, possibly endlessly: the failures last
 * if there is another one after their grace period.
 */
export function noteFailures(stall: Stall, uids: readonly string[], now: number): Stall {
  const before = stall.failures ?? { since: now, uids: new Set(), lasting: false };
  const fresh = uids.filter((uid) => !before.uids.has(uid));
  if (fresh.length === 0) return stall;
  const lasting = now - before.since >= FAILURES_GRACE;
  const all = new Set([...before.uids, ...fresh]);
  return { ...stall, failures: { since: before.since, uids: all, lasting } };
}

/**
 * Notes a report, unless it was made before since the last progress: a pod that becomes ready and
 * unready again and again causes no endless list of reports.
 *
 * @returns also true if the report is new.
 */
export function noteReport(stall: Stall, report: string): readonly [Stall, boolean] {
  if (stall.reported.has(report)) return [stall, false];
  return [{ ...stall, reported: new Set([...stall.reported, report]) }, true];
}

/** The facts that one read of a rollout shows. */
export interface RolloutRead {
  /** The number of new pods that are ready. */
  readonly ready: number;
  /** Milliseconds for which a pod must be ready until it is available. */
  readonly minReady: number;
  /** The uids of the new pods that have failed. */
  readonly failures: readonly string[];
  readonly hindrance: Grace | undefined;
}

/** Notes one read. Its progress comes first, because that restarts the other timers. */
export function noteRead(
  stall: Stall,
  { ready, minReady, failures, hindrance }: RolloutRead,
  now: number,
): Stall {
  const counted = noteFailures(noteReady(stall, ready, now, minReady), failures, now);
  return noteHindrance(counted, hindrance, now);
}

/** @param timeout milliseconds that may pass without progress. */
export function isStalled({ availableAt }: Stall, timeout: number, now: number): boolean {
  return now - availableAt >= timeout;
}
