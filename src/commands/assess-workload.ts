import type { Basis } from "../cluster/read.ts";
import { isUnexpected, messageOf } from "../errors.ts";
import { assess, type Assessment, type AssessmentOptions, unassessed } from "../mesh/assessment.ts";
import { isRenderedGateway } from "../mesh/managed.ts";
import type { Mesh } from "../mesh/mesh.ts";
import { needsProof } from "../mesh/proof-need.ts";
import type { Namespace, Workload } from "../snapshot.ts";
import type { Prover } from "./prover.ts";
import type { RefusalLookup } from "./pod-refusals.ts";

/** Everything besides the workload itself that its assessment depends on. */
export interface AssessmentContext extends Pick<Basis, "namespaces" | "gaps"> {
  readonly mesh: Mesh;
  readonly options: AssessmentOptions;
  readonly prover: Prover;
  /** The workloads that `--prove=auto` proves. */
  readonly isProofNeeded?: typeof needsProof;
  readonly lastRefusal: RefusalLookup;
  /** Gets each unexpected error, whose workload becomes `unknown`. */
  readonly onUnexpected?: (error: unknown) => void;
}

/**
 * Assesses one workload. Asks the API server for a dry run if the settings call for one, and for the
 * reason why the workload has no pods if nothing else says so. An unexpected error makes the workload
 * `unknown`, so that it does not end a command about all others.
 *
 * @returns `undefined` for a workload outside the mesh.
 */
export async function assessWorkload(
  context: AssessmentContext,
  workload: Workload,
): Promise<Assessment | undefined> {
  try {
    return await assessWithAnswers(context, workload);
  } catch (error) {
    if (!isUnexpected(error)) throw error;
    context.onUnexpected?.(error);
    const namespace = context.namespaces.get(workload.namespace);
    return unassessed(workload, namespace, context.options, messageOf(error));
  }
}

async function assessWithAnswers(
  context: AssessmentContext,
  workload: Workload,
): Promise<Assessment | undefined> {
  const { mesh, namespaces, options, prover, lastRefusal } = context;
  const namespace = namespaces.get(workload.namespace);
  const predicted = assess(workload, namespace, mesh, options);
  const dryRun = mustProve(context, predicted, namespace)
    ? await prover.prove(workload)
    : undefined;
  const assessment = dryRun ? assess(workload, namespace, mesh, options, { dryRun }) : predicted;
  if (!lacksPods(assessment)) return assessment;
  const refusal = await lastRefusal(workload);
  return assess(workload, namespace, mesh, options, { dryRun, refusal });
}

function mustProve(
  { prover, gaps, isProofNeeded = needsProof }: AssessmentContext,
  predicted: Assessment | undefined,
  namespace: Namespace | undefined,
): boolean {
  // The namespace may exclude the workload: without it, a proof decides nothing.
  if (namespace === undefined) return false;
  if (predicted !== undefined && isRenderedGateway(predicted.workload)) return false;
  switch (prover.when) {
    case "never":
      return false;
    case "always":
      return predicted?.verdict !== "managed" && predicted?.verdict !== "excluded";
    case "auto": {
      // A prediction from rules that are not all known may be wrong.
      const isUncertain = gaps.some(({ about }) => about === "injection");
      return (predicted !== undefined && isUncertain) || isProofNeeded(predicted, namespace);
    }
  }
}

/** True if the workload asks for pods, has none, and the reason is still unknown. */
function lacksPods(assessment: Assessment | undefined): boolean {
  return assessment?.finding.code === "no-pods" && !assessment.proved;
}
