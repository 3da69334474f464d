import { listRefusals } from "../cluster/events.ts";
import { withoutGeneratedNames } from "../kubernetes/generated-names.ts";
import { refusedCreation } from "../mesh/health.ts";
import type { Workload } from "../snapshot.ts";
import { readOrNote } from "./optional-read.ts";
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
        ? refusedCreation(rollout)
        : (await (listed ??= refusalsIn(session))).get(uid);
    return message && withoutGeneratedNames(message, name);
  };
}

/** Returns the last message by workload uid. Adds a note if the events could not be listed. */
async function refusalsIn(session: Session): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const namespace of session.namespaces ?? [undefined]) {
    const where = namespace === undefined ? "" : ` in ${namespace}`;
    const events = await readOrNote(
      session,
      listRefusals(session.api, namespace),
      `list events${where}: the reason why a workload has no pods is unknown`,
    );
    for (const { objectUid, message } of events ?? []) found.set(objectUid, message);
  }
  return found;
}
