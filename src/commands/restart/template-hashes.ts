import pLimit from "p-limit";
import { ApiError } from "../../http/api-error.ts";
import { isUnexpected } from "../../errors.ts";
import { writeStacks } from "../../report/error-stack.ts";
import { getWorkload } from "../../cluster/named-workload.ts";
import type { Step } from "../../rollout/step.ts";
import type { Session } from "../session.ts";
import { READS_AT_A_TIME } from "./request-limits.ts";

/**
 * Reads the hashes of the pod templates. Lists have only parts of a template, so each workload is
 * read separately. A plan without a hash can be shown, but not carried out later.
 *
 * @returns the hashes by uid, without workloads that are gone or could not be read.
 */
export async function readTemplateHashes(
  { api, io }: Session,
  steps: readonly Step[],
): Promise<ReadonlyMap<string, string>> {
  const limit = pLimit(READS_AT_A_TIME);
  const read = await limit.map(steps, async ({ ref }) => {
    try {
      const hash = (await getWorkload(api, ref))?.templateHash;
      return hash === undefined ? [] : [[ref.uid, hash] as const];
    } catch (error) {
      if (error instanceof ApiError) return [];
      // The restart reads the workload again, and reports what is wrong with it.
      if (!isUnexpected(error)) throw error;
      writeStacks(error, io);
      return [];
    }
  });
  return new Map(read.flat());
}
