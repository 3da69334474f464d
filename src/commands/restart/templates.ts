import pLimit from "p-limit";
import { ApiError } from "../../http/api-error.ts";
import { getWorkload } from "../../cluster/named-workload.ts";
import type { Step } from "../../rollout/step.ts";
import type { Session } from "../session.ts";
import { READS_AT_A_TIME } from "./request-limits.ts";

/**
 * A list tells of a template only what is decided upon: its hash takes the whole object. Where that
 * may not be read a plan can be shown all the same, but not be carried out later.
 *
 * @returns hashes by uid; without those that could not be read, and those that are gone.
 */
export async function readTemplates(
  { api }: Session,
  steps: readonly Step[],
): Promise<ReadonlyMap<string, string>> {
  const limit = pLimit(READS_AT_A_TIME);
  const read = await limit.map(steps, async ({ ref }) => {
    try {
      const hash = (await getWorkload(api, ref))?.templateHash;
      return hash === undefined ? [] : [[ref.uid, hash] as const];
    } catch (error) {
      if (error instanceof ApiError) return [];
      throw error;
    }
  });
  return new Map(read.flat());
}
