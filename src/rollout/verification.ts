import { count } from "../wording.ts";
import type { Assessment } from "../mesh/assessment.ts";
import type { Workload } from "../snapshot.ts";
import type { Step } from "./step.ts";
import { isDone, type StepResult } from "./result.ts";
import { istioUpgrade } from "../next-step.ts";

/**
 * Judges results against a fresh read. A rollout that completed proves nothing about sidecars: what
 * had one before must have one on every live pod, on the target it was restarted for.
 *
 * @param fresh every workload that was read again, in the mesh or not.
 */
export function verifyResults(
  results: readonly StepResult[],
  steps: readonly Step[],
  fresh: readonly Workload[],
  assessments: readonly Assessment[],
): readonly StepResult[] {
  return results.map((result) => {
    const same = ({ uid }: { readonly uid: string }) => uid === result.ref.uid;
    const isThere = assessments.some(({ workload }) => same(workload));
    if (result.code === "gone" && isThere) return notGone(result);
    if (!isDone(result.outcome)) return result;
    const workload = fresh.find(same);
    if (workload === undefined) return result;
    const step = steps.find(({ ref }) => same(ref));
    const bare = workload.pods.filter(({ image }) => image === undefined);
    if (step?.hadSidecar === true && bare.length > 0) return lostSidecar(result, workload);
    const assessment = assessments.find((candidate) => same(candidate.workload));
    return assessment?.verdict === "outdated"
      ? stillOutdated(result, workload, assessment)
      : result;
  });
}

/** Somebody on the way said that it was not found: the list has it. */
function notGone(result: StepResult): StepResult {
  return {
    ...result,
    outcome: "failed",
    code: "not-found",
    message: "the API server did not find it, and lists it",
    nextStep: "run restart again",
  };
}

function lostSidecar(result: StepResult, { pods }: Workload): StepResult {
  const podsThat = (without: boolean) =>
    pods
      .filter(({ image }) => (image === undefined) === without)
      .reduce((sum, group) => sum + group.pods, 0);
  return {
    ...result,
    outcome: "failed",
    code: "sidecar-lost",
    message: `${count(podsThat(true), "pod", ["has", "have"])} no sidecar any more, ${podsThat(false)} still with one`,
    nextStep: istioUpgrade("check", "--namespace", result.ref.namespace),
  };
}

function stillOutdated(
  result: StepResult,
  { pods }: Workload,
  { target, finding, restart }: Assessment,
): StepResult {
  if (restart.answer === "refused" && restart.finding.code === "partition") {
    const { code, reason, nextStep } = restart.finding;
    return { ...result, code, message: `rolled out; ${reason}`, nextStep };
  }
  const { image, revision } = result.to;
  const reached = pods.every(
    (group) => group.image === image && (group.revision ?? revision) === revision,
  );
  if (target !== undefined && reached) {
    return {
      ...result,
      code: "target-moved",
      message: `the target moved to ${target.image} of ${target.revision} during the run`,
      nextStep: "run restart again",
    };
  }
  return {
    ...result,
    outcome: "failed",
    code: "not-on-target",
    message: `it was restarted, and still: ${finding.reason}`,
    nextStep: istioUpgrade("check", "--namespace", result.ref.namespace),
  };
}
