import { listBudgets } from "../../cluster/budgets.ts";
import { getWorkload } from "../../cluster/named-workload.ts";
import { createRollingPodReader } from "../../cluster/rolling-pods.ts";
import { ApiError } from "../../http/api-error.ts";
import { formatSelector } from "../../kubernetes/selector.ts";
import { type EvictionBlock, evictionBlock } from "../../mesh/disruption.ts";
import type { RolloutView } from "../../rollout/view.ts";
import { restartTime, type Rollout, type Workload, type WorkloadRef } from "../../snapshot.ts";
import { type EarlierRefusals, newRefusals } from "./refusals.ts";
import type { RestartSession } from "./restart-session.ts";

/** Reads one workload and its pods, again and again. Every read may fail with an `ApiError`. */
export interface RolloutReader {
  /** Resolves to `undefined` if the workload was deleted or recreated. */
  read(): Promise<RolloutView | undefined>;
  /** Reads only the pods, of a workload that was just read. */
  readPods(workload: Workload, rollout: Rollout): Promise<RolloutView>;
  /** The result of the last read; `undefined` before the first one. */
  readonly last: RolloutView | undefined;
}

/** @param earlier the events about rejected pods to ignore. */
export function createRolloutReader(
  session: RestartSession,
  ref: WorkloadRef,
  earlier: EarlierRefusals,
): RolloutReader {
  const listPods = createRollingPodReader(session.api, ref);
  let last: RolloutView | undefined;

  async function readPods(workload: Workload, rollout: Rollout): Promise<RolloutView> {
    const known = await earlier();
    const [pods, refusals, block] = await Promise.all([
      listPods(formatSelector(rollout.selector)),
      newRefusals(session, ref, rollout, known),
      readEvictionBlock(session, workload),
    ]);
    const { templateManagers } = workload;
    const restartedAt = restartTime(workload);
    last = { ref, rollout, restartedAt, pods, refusals, evictionBlock: block, templateManagers };
    return last;
  }

  return {
    get last() {
      return last;
    },
    readPods,
    async read() {
      // First the workload, then its pods: if it is done, the list has every new pod.
      const workload = await getWorkload(session.api, ref);
      const rollout = workload?.rollout;
      if (workload === undefined || rollout === undefined) return undefined;
      return readPods(workload, rollout);
    },
  };
}

/** Only Argo Rollouts evicts pods. Budgets that could not be read are ignored: the plan noted it. */
async function readEvictionBlock(
  { api }: RestartSession,
  { rollout, template, namespace }: Workload,
): Promise<EvictionBlock | undefined> {
  if (rollout?.kind !== "Rollout" || template === undefined) return undefined;
  try {
    return evictionBlock(template.labels, await listBudgets(api, namespace));
  } catch (error) {
    if (error instanceof ApiError) return undefined;
    throw error;
  }
}
