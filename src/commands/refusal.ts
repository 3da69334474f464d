import { ApiError } from "../cluster/api-error.ts";
import type { Api } from "../cluster/api.ts";
import { listEvents } from "../cluster/events.ts";
import type { Workload } from "../snapshot.ts";

/**
 * Why a workload's controller got no pods, in the API server's words: a Deployment's condition says
 * so, of the other kinds only events.
 *
 * @returns `undefined` where nothing says why, or it may not be read.
 */
export async function lastRefusal(
  api: Api,
  { namespace, uid, rollout }: Workload,
): Promise<string | undefined> {
  if (rollout === undefined) return undefined;
  if (rollout.kind === "Deployment") {
    const failure = rollout.conditions.find(({ type }) => type === "ReplicaFailure");
    return failure?.status === "True" ? failure.message : undefined;
  }
  try {
    return (await listEvents(api, namespace, uid, "FailedCreate")).at(-1)?.message;
  } catch (error) {
    if (error instanceof ApiError) return undefined;
    throw error;
  }
}
