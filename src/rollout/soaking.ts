import { formatDuration } from "../duration-text.ts";
import { resourceName, rolloutCommand } from "../kubernetes/kinds.ts";
import { kubectl, type NextStep, sentence } from "../next-step.ts";
import {
  type CandidateEvent,
  containerOf,
  eventText,
  explainingEvent,
  unreadyText,
} from "../mesh/unready-pod.ts";
import type { PodEvent, RollingPod, Rollout, WorkloadRef } from "../snapshot.ts";
import { rolloutStatus } from "./status.ts";
import type { WaveMember } from "./waves.ts";

/** A workload whose pods a soak watches. */
export interface SoakedMember extends Pick<WaveMember, "ref" | "to"> {
  /**
   * The time at which its rollout was done, in milliseconds since the epoch: all its pods were ready.
   * `undefined` if an earlier run restarted it.
   */
  readonly doneAt: number | undefined;
}

/**
 * The state of a soak: a state machine without clock, cluster or promise. Once a new pod of the wave is
 * ready, it must stay ready, without a restart of a container and without a new warning, until the soak
 * ends. It ends only after a read of everything.
 */
export interface Soaking {
  readonly members: readonly SoakedMember[];
  /** Milliseconds for which the pods must stay healthy. */
  readonly duration: number;
  /** Milliseconds for which the soak may then wait for pods that are not ready yet. */
  readonly timeout: number;
  readonly startedAt: number;
  /** The time of the first read of everything, in milliseconds since the epoch. */
  readonly since: number | undefined;
  /** The pods that were ready, as they were then, by their uids. */
  readonly pods: ReadonlyMap<string, RollingPod>;
  /** The warnings from before the soak, by their uids and by their ids. */
  readonly known: ReadonlySet<string>;
}

/** A warning about a pod. */
export interface PodWarning extends CandidateEvent {
  /** The uid of the pod. */
  readonly objectUid: string;
  /** A text that changes whenever the warning occurs again. */
  readonly id: string;
  /** The uid of the warning, which stays the same. */
  readonly uid: string;
  /** In RFC 3339; empty if it is unknown. */
  readonly time: string;
}

/** A read of one workload of the wave. */
export type SoakRead =
  | {
      readonly kind: "pods";
      /** `undefined` for a workload of a kind that has no rollout, such as a bare pod. */
      readonly rollout: Rollout | undefined;
      /** The time of its last restart. */
      readonly restartedAt: string | undefined;
      readonly pods: readonly RollingPod[];
    }
  /** The workload was deleted or recreated. */
  | { readonly kind: "gone" }
  | { readonly kind: "unread"; readonly message: string };

/** A read of the whole wave: first the warnings, then the pods. */
export interface SoakObservation {
  /** The reads by the uids of the workloads. */
  readonly reads: ReadonlyMap<string, SoakRead>;
  /** The warnings about pods in the namespaces of the wave. */
  readonly warnings: readonly PodWarning[];
  /** The reason why some warnings could not be read; `undefined` if all were. */
  readonly unreadWarnings: string | undefined;
}

export type SoakAction =
  | { readonly kind: "poll" }
  | { readonly kind: "end"; readonly end: SoakEnd };

/** The end of a soak. */
export interface SoakEnd {
  readonly result: "passed" | "failed" | "unread";
  readonly message: string;
  readonly nextStep: NextStep;
  /** The workload, the pod and the container that did not stay healthy. */
  readonly workload?: WorkloadRef;
  readonly pod?: string;
  readonly container?: string;
  readonly event?: PodEvent;
}

/**
 * @param members the workloads whose rollouts are done.
 * @param now milliseconds since the epoch.
 */
export function startSoaking(
  members: Soaking["members"],
  { duration, timeout }: Pick<Soaking, "duration" | "timeout">,
  now: number,
): Soaking {
  return {
    members,
    duration,
    timeout,
    startedAt: now,
    since: undefined,
    pods: new Map(),
    known: new Set(),
  };
}

/** The milliseconds for which a soak tries to read what it could not read at its end. */
const UNREAD_GRACE = 10_000;

/** Returns the new state after a read, and the next action: to wait for a poll interval and read again. */
export function advanceSoaking(
  before: Soaking,
  observation: SoakObservation,
  now: number,
): readonly [Soaking, SoakAction] {
  const { reads, warnings } = observation;
  const problem = before.members.reduce<SoakEnd | undefined>(
    (found, member) => found ?? problemOf(before, member, observation),
    undefined,
  );
  if (problem !== undefined) return [before, { kind: "end", end: problem }];
  const unread = unreadReason(before, observation);
  const isFirst = before.since === undefined && unread === undefined;
  const soaking: Soaking = {
    ...before,
    since: isFirst ? now : before.since,
    known: isFirst ? new Set(warnings.flatMap(({ id, uid }) => [id, uid])) : before.known,
    pods: withReadyPods(before, reads),
  };
  const until = (soaking.since ?? soaking.startedAt) + soaking.duration;
  if (now < until) return [soaking, { kind: "poll" }];
  if (unread !== undefined || soaking.since === undefined) {
    if (now < until + UNREAD_GRACE) return [soaking, { kind: "poll" }];
    const message = `could not be read until the end of the soak: ${unread ?? "no answer"}`;
    return [soaking, { kind: "end", end: { result: "unread", message, nextStep: "" } }];
  }
  const pending = soaking.members.reduce<SoakEnd | undefined>(
    (found, member) => found ?? unfinished(soaking, member, observation),
    undefined,
  );
  if (pending === undefined) {
    const message = `all pods stayed healthy for ${formatDuration(soaking.duration)}`;
    return [soaking, { kind: "end", end: { result: "passed", message, nextStep: "" } }];
  }
  return now < until + soaking.timeout
    ? [soaking, { kind: "poll" }]
    : [soaking, { kind: "end", end: pending }];
}

/** Returns the reason why something could not be read; `undefined` if everything was read. */
function unreadReason(
  { members }: Soaking,
  { reads, unreadWarnings }: SoakObservation,
): string | undefined {
  for (const { ref } of members) {
    const read = reads.get(ref.uid);
    if (read === undefined) return `${resourceName(ref)} was not read`;
    if (read.kind === "unread") return read.message;
  }
  return unreadWarnings;
}

/** Returns the pods that count: those that the restart made, without terminating and failed ones. */
function newPods(member: SoakedMember, read: SoakRead | undefined): readonly RollingPod[] {
  if (read?.kind !== "pods") return [];
  const { restartedAt } = read;
  return read.pods.filter(
    (pod) =>
      // A pod that was evicted is replaced by another one.
      !pod.terminating &&
      !pod.failed &&
      (pod.image === member.to.image ||
        (restartedAt !== undefined && pod.restartedAt === restartedAt)),
  );
}

function withReadyPods({ members, pods }: Soaking, reads: SoakObservation["reads"]) {
  const ready = members
    .flatMap((member) => newPods(member, reads.get(member.ref.uid)))
    .filter((pod) => pod.ready && !pods.has(pod.uid));
  return ready.length === 0
    ? pods
    : new Map([...pods, ...ready.map((pod) => [pod.uid, pod] as const)]);
}

/** Returns the first sign that a pod of a workload did not stay healthy. */
function problemOf(
  { pods, known, since }: Soaking,
  member: SoakedMember,
  { reads, warnings }: SoakObservation,
): SoakEnd | undefined {
  for (const pod of newPods(member, reads.get(member.ref.uid))) {
    const before = pods.get(pod.uid);
    if (before === undefined && (pod.ready || !wasReady(pod, member))) continue;
    const about = warnings.filter(({ objectUid }) => objectUid === pod.uid);
    if (!pod.ready)
      return failed(
        member,
        pod,
        unreadyText(`the pod ${pod.name}`, pod, eventOf(pod, about)),
        about,
      );
    if (before === undefined) continue;
    const restarted = newRestart(before, pod);
    if (restarted !== undefined) {
      return { ...failed(member, pod, restarted.message, about), container: restarted.container };
    }
    if (before.readySince !== pod.readySince) {
      return failed(member, pod, `the pod ${pod.name} was not ready for a moment`, about);
    }
    const warning = since === undefined ? undefined : newWarning(about, before, known);
    if (warning !== undefined) {
      const { reason, message, container } = warning;
      const text = `a warning about the pod ${pod.name}: ${eventText({ reason, message })}`;
      return {
        ...failed(member, pod, text, about),
        event: { reason, message },
        ...(container !== undefined && { container }),
      };
    }
  }
  return undefined;
}

/** True if a pod was ready before the soak: it existed when the rollout of its workload was done. */
function wasReady({ createdAt }: RollingPod, { doneAt }: SoakedMember): boolean {
  return doneAt !== undefined && Date.parse(createdAt) < doneAt;
}

/** Returns a restart of a container since the pod was first seen ready. */
function newRestart(before: RollingPod, { name, restarts = [] }: RollingPod) {
  for (const { container, count, lastEnd } of restarts) {
    const earlier = before.restarts?.find((one) => one.container === container)?.count ?? 0;
    if (count <= earlier) continue;
    const why = lastEnd === undefined ? "" : ` (${lastEnd})`;
    return { container, message: `the container ${container} of the pod ${name} restarted${why}` };
  }
  return undefined;
}

/**
 * Returns a warning since the pod was ready and the soak began. A warning that also came before the soak
 * counts again only if it is about a container: a kubelet repeats others for as long as the pod lives, such
 * as those about too many DNS search domains.
 */
function newWarning(
  about: readonly PodWarning[],
  { readySince }: RollingPod,
  known: ReadonlySet<string>,
): PodWarning | undefined {
  const readyAt = Date.parse(readySince ?? "");
  return about.find(({ id, uid, time, reason, container }) => {
    if (known.has(id) || IGNORED.has(reason) || METRICS.test(reason)) return false;
    if (known.has(uid) && container === undefined) return false;
    // Before a pod is ready, probes fail and volumes are missing for a moment.
    return !(Date.parse(time) <= readyAt);
  });
}

/** The reasons of warnings about pods that are drained, evicted, preempted or deleted. */
const IGNORED: ReadonlySet<string> = new Set([
  "Evicted",
  "ExceededGracePeriod",
  "FailedDraining",
  "FailedKillPod",
  "FailedPreStopHook",
  "NodeNotReady",
  "Preempted",
  "Preempting",
  "ScaleDownFailed",
]);

/** The reasons of warnings of a HorizontalPodAutoscaler that cannot read its metrics. */
const METRICS = /^(?:FailedGet\w*|FailedCompute\w*|FailedConvertHPA|InvalidMetricSourceType)$/;

/** Returns the reason why a workload is not ready at the end of the soak; `undefined` if it is. */
function unfinished(
  soaking: Soaking,
  member: SoakedMember,
  { reads, warnings }: SoakObservation,
): SoakEnd | undefined {
  const read = reads.get(member.ref.uid);
  const pod = newPods(member, read).find(({ ready }) => !ready);
  if (pod !== undefined) {
    const about = warnings.filter(({ objectUid }) => objectUid === pod.uid);
    return failed(member, pod, unreadyText(`the pod ${pod.name}`, pod, eventOf(pod, about)), about);
  }
  const rollout = read?.kind === "pods" ? read.rollout : undefined;
  const status = rollout && rolloutStatus(rollout);
  if (status === undefined || status.state === "done") return undefined;
  const { ref } = member;
  return {
    result: "failed",
    message: `the rollout of ${resourceName(ref)} is not complete: ${status.message}`,
    nextStep: rolloutCommand("status", ref),
    workload: ref,
  };
}

function eventOf(pod: RollingPod, about: readonly PodWarning[]): PodEvent | undefined {
  return explainingEvent(pod, about);
}

function failed(
  { ref }: SoakedMember,
  pod: RollingPod,
  message: string,
  about: readonly PodWarning[],
): SoakEnd {
  const container = pod.trouble?.container ?? containerOf(pod.blocker);
  const event = eventOf(pod, about);
  return {
    result: "failed",
    message,
    nextStep: sentence`see why: ${kubectl("describe", "pod", pod.name, "-n", ref.namespace)}`,
    workload: ref,
    pod: pod.name,
    ...(container !== undefined && { container }),
    ...(event !== undefined && { event }),
  };
}
