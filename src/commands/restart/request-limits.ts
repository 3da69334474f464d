/** Reads of single workloads that run at the same time: more would only queue in the API server. */
export const READS_AT_A_TIME = 8;

/** Milliseconds of the poll interval for each workload that may roll at the same time. */
const SHARE = 125;

/**
 * The milliseconds between two reads of the same workload, before jitter: half a second if few
 * workloads roll, so that the next one starts soon, and up to two seconds if many do.
 */
export function pollInterval({ maxParallel }: { readonly maxParallel: number }): number {
  return Math.min(2000, Math.max(500, SHARE * maxParallel));
}
