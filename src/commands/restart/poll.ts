/** Milliseconds between two looks, per workload that may roll at the same time. */
const SHARE = 125;

/**
 * Milliseconds between two looks at something that is waited for, give or take the jitter: half a
 * second where a few workloads roll, so that the next one starts soon; up to two where many do.
 */
export function pollInterval({ maxParallel }: { readonly maxParallel: number }): number {
  return Math.min(2000, Math.max(500, SHARE * maxParallel));
}
