import { count } from "../../count.ts";
import { ApiError } from "../../cluster/api-error.ts";
import type { ApiPod } from "../../cluster/api-objects.ts";
import { getWorkload, listPods } from "../../cluster/read.ts";
import { groupOf } from "../../cluster/tally.ts";
import { formatRestartTime, RESTARTED_AT } from "../../cluster/write.ts";
import { resourceName } from "../../mesh/kinds.ts";
import { formatSelector } from "../../mesh/selector.ts";
import type { Step } from "../../rollout/plan.ts";
import { type RolloutStatus, rolloutStatus } from "../../rollout/status.ts";
import type { RestartSettings } from "../../settings.ts";
import type { PodGroup, Workload, WorkloadRef } from "../../snapshot.ts";
import type { Session } from "../session.ts";
import { type Ending, ended, type Restarted } from "./ending.ts";
import { POLL } from "./poll.ts";

/**
 * Watches a rollout that was just started: the workload by kubectl's rules, and its new pods from
 * the first one on, since a rollout that completes proves nothing about sidecars.
 */
export async function followRollout(
  session: Session<RestartSettings>,
  step: Step,
  restarted: Restarted,
  abort: AbortSignal,
): Promise<Ending> {
  const { io, progress, settings } = session;
  const { ref } = step;
  let seen = "";
  let progressAt = io.now().getTime();
  for (;;) {
    await io.sleep(POLL * (0.75 + io.random() / 2), abort);
    const view = await observe(session, ref, restarted);
    const ending = view && judge(view, step, restarted);
    if (ending) return ending;
    const now = io.now().getTime();
    if (view !== undefined && view !== "gone") {
      const { message, ready, wanted } = view.status;
      const state = JSON.stringify([message, ready, view.fresh.length]);
      if (state !== seen) {
        seen = state;
        progressAt = now;
        progress.emit({ type: "rolling", ref, message, ready, wanted });
      }
    }
    if (abort.aborted) return stillRolling(ref, "interrupted", "it still rolls");
    if (now - progressAt >= settings.timeout) {
      const minutes = Math.round(settings.timeout / 60_000);
      return stillRolling(ref, "no-progress", `no progress for ${minutes} min; it still rolls`);
    }
  }
}

/** One look: `gone`, or how far it is; `undefined` where the API server did not answer. */
type View =
  | "gone"
  | {
      readonly status: RolloutStatus;
      /** Pods that this restart made. */
      readonly fresh: readonly PodGroup[];
      /** The others that still live. */
      readonly old: readonly PodGroup[];
    };

async function observe(
  { api }: Session,
  ref: WorkloadRef,
  { restartedAt }: Restarted,
): Promise<View | undefined> {
  try {
    // First the workload, then its pods: when it is done, every new pod is in the list.
    const workload: Workload | undefined = await getWorkload(api, ref);
    if (workload?.rollout === undefined) return "gone";
    const pods = await listPods(api, ref.namespace, formatSelector(workload.rollout.selector));
    const live = pods.filter(isLive);
    const isFresh = (pod: ApiPod) =>
      pod.metadata?.annotations?.[RESTARTED_AT] === formatRestartTime(restartedAt);
    return {
      status: rolloutStatus(workload.rollout),
      fresh: live.filter(isFresh).map(groupOf),
      old: live.filter((pod) => !isFresh(pod)).map(groupOf),
    };
  } catch (error) {
    // The rollout goes on without us; only silence for the whole timeout ends the watch.
    if (error instanceof ApiError) return undefined;
    throw error;
  }
}

function isLive({ metadata, status }: ApiPod): boolean {
  return (
    metadata?.deletionTimestamp === undefined &&
    status?.phase !== "Succeeded" &&
    status?.phase !== "Failed"
  );
}

function judge(view: View, { ref }: Step, { target }: Restarted): Ending | undefined {
  if (view === "gone") {
    return ended("failed", "gone", "it was deleted, or created anew, while it rolled", "");
  }
  const { status, fresh, old } = view;
  const undo = `kubectl rollout undo ${resourceName(ref)} -n ${ref.namespace}`;
  const served = old.filter(({ image }) => image !== undefined).length;
  const left = `${count(served, "old pod", ["is", "are"])} left with one`;
  const bare = fresh.find(({ image }) => image === undefined);
  if (bare) {
    const message = `the new pod ${bare.podNames[0]} came up without a sidecar; ${left}`;
    return ended("failed", "sidecar-lost", message, undo);
  }
  const other = fresh.find(({ image }) => image !== target.image);
  if (other) {
    const message = `the new pod ${other.podNames[0]} runs ${other.image}, not ${target.image}`;
    return ended(
      "failed",
      "other-image",
      message,
      `istio-upgrade check --namespace ${ref.namespace}`,
    );
  }
  const trouble = fresh.find((group) => group.trouble !== undefined)?.trouble;
  if (trouble) {
    const serving = old.reduce((sum, { ready }) => sum + ready, 0);
    const message = `the new pod ${trouble.pod} is in ${trouble.reason}: ${trouble.message}; ${count(serving, "old pod", ["still serves", "still serve"])}`;
    return ended(
      "failed",
      "pod-failed",
      message,
      `kubectl describe pod ${trouble.pod} -n ${ref.namespace}`,
    );
  }
  if (status.state === "failed") return ended("failed", "progress-deadline", status.message, undo);
  if (status.state === "waiting") return undefined;
  return ended("restarted", "rolled-out", "rolled out");
}

function stillRolling(ref: WorkloadRef, code: string, message: string): Ending {
  const status = `kubectl rollout status ${resourceName(ref)} -n ${ref.namespace}`;
  return ended("timed-out", code, message, status);
}
