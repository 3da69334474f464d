import pLimit from "p-limit";
import { listPodWarnings } from "../../cluster/events.ts";
import { getWorkload } from "../../cluster/named-workload.ts";
import {
  createRollingPodReader,
  rollingPod,
  type RollingPodReader,
} from "../../cluster/rolling-pods.ts";
import { readSidecarPods } from "../../cluster/sidecar-pods.ts";
import { ApiError } from "../../http/api-error.ts";
import { isRestartable } from "../../kubernetes/kinds.ts";
import { formatSelector } from "../../kubernetes/selector.ts";
import {
  advanceSoaking,
  type SoakAction,
  type SoakedMember,
  type SoakObservation,
  type SoakRead,
  startSoaking,
} from "../../rollout/soaking.ts";
import type { SoakResult } from "../../rollout/wave-result.ts";
import { restartTime, type WorkloadRef } from "../../snapshot.ts";
import { pollInterval, READS_AT_A_TIME } from "./request-limits.ts";
import type { RestartSession } from "./restart-session.ts";

/** The number of workloads that are read in one poll interval. */
const READS_PER_INTERVAL = 20;

/**
 * The number of reads of a soak, and the longest time between two of them, in milliseconds: the times of
 * conditions and the counts of restarts show what happened between.
 */
const READS_OF_SOAK = 20;
const LONGEST_INTERVAL = 3000;

/**
 * Watches the new pods of a wave for some time. Changes nothing.
 *
 * @param members the workloads of the wave whose rollouts are done.
 * @param duration milliseconds.
 * @param abort ends the soak without a result.
 */
export async function soakWave(
  session: RestartSession,
  members: readonly SoakedMember[],
  duration: number,
  abort: AbortSignal,
): Promise<SoakResult> {
  const { io, settings } = session;
  const startedAt = io.now();
  const read = createWaveReader(session, members);
  const stopped = new Promise<undefined>((resolve) => {
    if (abort.aborted) resolve(undefined);
    abort.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  const interval = Math.max(
    pollInterval(settings) * Math.max(1, members.length / READS_PER_INTERVAL),
    Math.min(LONGEST_INTERVAL, duration / READS_OF_SOAK),
  );
  let soaking = startSoaking(members, { duration, timeout: settings.timeout }, io.now().getTime());
  for (;;) {
    // The API server may not answer after a stop.
    const observation = await Promise.race([read(), stopped]);
    if (observation === undefined || abort.aborted) {
      const message = "the run was stopped before the end of the soak";
      return { result: "stopped", message, nextStep: "", startedAt, finishedAt: io.now() };
    }
    let action: SoakAction;
    [soaking, action] = advanceSoaking(soaking, observation, io.now().getTime());
    if (action.kind === "end") return { ...action.end, startedAt, finishedAt: io.now() };
    await io.sleep(interval * (0.75 + io.random() / 2), abort);
  }
}

/** Creates a function that reads a wave: first the warnings, so that a pod that ends then is known. */
function createWaveReader(
  { api }: RestartSession,
  members: readonly SoakedMember[],
): () => Promise<SoakObservation> {
  const limit = pLimit(READS_AT_A_TIME);
  const namespaces = [...new Set(members.map(({ ref }) => ref.namespace))];
  const readers = members.map(({ ref }) => ({ ref, listPods: createRollingPodReader(api, ref) }));

  return async () => {
    const events = await limit.map(namespaces, (namespace) =>
      unlessUnread(() => listPodWarnings(api, namespace)),
    );
    const reads = await limit.map(
      readers,
      async ({ ref, listPods }) => [ref.uid, await readMember(ref, listPods)] as const,
    );
    return {
      warnings: events.flatMap((read) => (typeof read === "string" ? [] : read)),
      unreadWarnings: events.find((read) => typeof read === "string"),
      reads: new Map(reads),
    };
  };

  async function readMember(ref: WorkloadRef, listPods: RollingPodReader): Promise<SoakRead> {
    const read = await unlessUnread(async (): Promise<SoakRead> => {
      if (!isRestartable(ref.kind)) {
        const pods = await readSidecarPods(api, { ...ref, rollout: undefined });
        const found = pods.map(({ object }) => rollingPod(object));
        return { kind: "pods", rollout: undefined, restartedAt: undefined, pods: found };
      }
      const workload = await getWorkload(api, ref);
      const rollout = workload?.rollout;
      if (workload === undefined || rollout === undefined) return { kind: "gone" };
      const pods = await listPods(formatSelector(rollout.selector));
      return { kind: "pods", rollout, restartedAt: restartTime(workload), pods };
    });
    return typeof read === "string" ? { kind: "unread", message: read } : read;
  }
}

/** Returns the message of the API server's error instead of the value. */
async function unlessUnread<Value>(read: () => Promise<Value>): Promise<Value | string> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof ApiError) return error.message;
    throw error;
  }
}
