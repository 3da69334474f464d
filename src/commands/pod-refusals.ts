import { ApiError, isForbidden } from "../http/api-error.ts";
import { listRefusals } from "../cluster/events.ts";
import { withoutGeneratedNames } from "../kubernetes/generated-names.ts";
import type { Condition, Workload } from "../snapshot.ts";
import type { Session } from "./session.ts";

/**
 * Finds the API server's last message about why a workload got no pods; `undefined` if there is
 * none.
 */
export type RefusalLookup = (workload: Workload) => Promise<string | undefined>;

/**
 * Creates a lookup. A Deployment's condition has the message. For other kinds only events have it:
 * the lookup lists them once, when the first workload without pods needs them.
 */
export function createRefusalLookup(session: Session): RefusalLookup {
  let listed: Promise<ReadonlyMap<string, string>> | undefined;
  return async ({ uid, name, rollout }) => {
    if (rollout === undefined) return undefined;
    const message =
      "conditions" in rollout
        ? replicaFailure(rollout.conditions)
        : (await (listed ??= refusalsIn(session))).get(uid);
    return message && withoutGeneratedNames(message, name);
  };
}

function replicaFailure(conditions: readonly Condition[]): string | undefined {
  const failure = conditions.find(({ type }) => type === "ReplicaFailure");
  return failure?.status === "True" ? failure.message : undefined;
}

/** Returns the last message by workload uid. Adds a note if the events could not be listed. */
async function refusalsIn({
  api,
  namespaces,
  notes,
}: Session): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const namespace of namespaces ?? [undefined]) {
    try {
      for (const { objectUid: about, message } of await listRefusals(api, namespace))
        found.set(about, message);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const why = isForbidden(error) ? "not allowed to list events" : "could not list events";
      const where = namespace === undefined ? "" : ` in ${namespace}`;
      notes.add(`${why}${where}: the reason why a workload has no pods is unknown`);
    }
  }
  return found;
}
