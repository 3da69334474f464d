import type { Basis } from "../cluster/read.ts";
import { type Assessment, assess, type AssessmentOptions } from "../mesh/assessment.ts";
import { needsProof } from "../mesh/proof-need.ts";
import type { Mesh } from "../mesh/mesh.ts";
import type { Workload } from "../snapshot.ts";
import type { LastRefusal } from "./refused-pods.ts";
import type { Session } from "./session.ts";

/** What a workload is judged by. */
export interface AssessmentContext extends Pick<Basis, "namespaces" | "gaps"> {
  readonly mesh: Mesh;
  readonly lastRefusal: LastRefusal;
}

/**
 * Judges one workload, and has the target proved where the settings want that: only where the API
 * server is asked is there something to wait for.
 */
export function assessWorkload(
  { prover }: Session,
  world: AssessmentContext,
  workload: Workload,
  policy: AssessmentOptions,
  prove: typeof needsProof = needsProof,
): Assessment | undefined | Promise<Assessment | undefined> {
  const { mesh, namespaces, gaps, lastRefusal } = world;
  const namespace = namespaces.get(workload.namespace);
  const predicted = assess(workload, namespace, mesh, policy);
  // Where not all of the rules were read, what they seem to say may be wrong.
  const doubted = predicted !== undefined && gaps.some(({ about }) => about === "injection");
  const proving =
    prover.when === "always"
      ? predicted?.verdict !== "managed" && predicted?.verdict !== "excluded"
      : prover.when === "auto" && (doubted || prove(predicted, namespace));
  // Without its namespace nobody knows whether it was left out: a proof would decide nothing.
  const isProved = proving && namespace !== undefined;
  if (!isProved && !isPodless(predicted)) return predicted;

  return (async () => {
    const dryRun = isProved ? await prover.prove(workload) : undefined;
    const judged = dryRun ? assess(workload, namespace, mesh, policy, { dryRun }) : predicted;
    if (!isPodless(judged)) return judged;
    const refusal = await lastRefusal(workload);
    return assess(workload, namespace, mesh, policy, { dryRun, refusal });
  })();
}

/** It wants pods, and nothing that is known so far says why it has none. */
function isPodless(judged: Assessment | undefined): boolean {
  return judged?.finding.code === "no-pods" && !judged.proved;
}
