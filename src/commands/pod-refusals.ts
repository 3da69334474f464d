import { ApiError, isForbidden } from "../http/api-error.ts";
import { listRefusals } from "../cluster/events.ts";
import type { Workload } from "../snapshot.ts";
import type { Session } from "./session.ts";

/** Why a workload got no pods, in the API server's words; `undefined` where nothing says why. */
export type RefusalLookup = (workload: Workload) => Promise<string | undefined>;

/**
 * A Deployment's condition says why it got no pods, of the other kinds only events: they are listed
 * once, and not before some workload has none.
 */
export function createRefusalLookup(session: Session): RefusalLookup {
  let listed: Promise<ReadonlyMap<string, string>> | undefined;
  return async ({ uid, rollout }) => {
    if (rollout === undefined) return undefined;
    if ("conditions" in rollout) {
      const failure = rollout.conditions.find(({ type }) => type === "ReplicaFailure");
      return failure?.status === "True" ? failure.message : undefined;
    }
    listed ??= refusalsIn(session);
    return (await listed).get(uid);
  };
}

/** The last words by uid; none where they may not be read, which is said. */
async function refusalsIn({
  api,
  namespaces,
  notes,
}: Session): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const place of namespaces ?? [undefined]) {
    try {
      for (const { about, message } of await listRefusals(api, place)) found.set(about, message);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const why = isForbidden(error) ? "may not be listed" : "could not be listed";
      const where = place === undefined ? "" : ` in ${place}`;
      notes.add(`events ${why}${where}: why a workload has no pods is not known`);
    }
  }
  return found;
}
