import { PROXY_CONTAINER } from "../istio-labels.ts";
import type { Assessment } from "./assessment.ts";
import type { Drift } from "./drift.ts";
import { isRenderedGateway } from "./managed.ts";
import { hasSidecar } from "./running-pods.ts";
import type { Verdict } from "./verdict.ts";

/** The verdicts of workloads that a restart would give a sidecar. */
const COMPARED: ReadonlySet<Verdict> = new Set(["current", "outdated", "pinned", "missing"]);

/** True if the pods of a workload can be compared with what a restart would give. */
export function hasComparedPods({ verdict, target, workload, running }: Assessment): boolean {
  return (
    COMPARED.has(verdict) &&
    target !== undefined &&
    !isRenderedGateway(workload) &&
    running.some(hasSidecar)
  );
}

/** True if a dry run, which drift comes from, gives another sidecar than the rules predicted. */
export function contradictsTarget(
  { target, proved }: Assessment,
  drift: readonly Drift[] | undefined,
): boolean {
  if (proved || drift === undefined) return false;
  return drift.some(({ path, from, to }) => {
    if (path.endsWith(`[${PROXY_CONTAINER}].image`)) return to !== target?.image;
    // Without values, it is the whole sidecar.
    return path.endsWith(`[${PROXY_CONTAINER}]`) && from === null && to === null;
  });
}
