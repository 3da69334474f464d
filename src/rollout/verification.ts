import { count } from "../wording.ts";
import { restartCommand } from "../kubernetes/kinds.ts";
import type { Assessment } from "../mesh/assessment.ts";
import { countPods } from "../mesh/running-pods.ts";
import type { Workload } from "../snapshot.ts";
import type { Step } from "./step.ts";
import { isDone, type StepResult } from "./result.ts";
import { istioUpgrade } from "../next-step.ts";

/**
 * Compares results with a fresh read. A completed rollout proves nothing about sidecars: if the
 * workload had one before, every live pod must have one, with the image of the target.
 *
 * @param fresh every workload in the fresh read, in the mesh or not.
 */
export function verifyResults(
  results: readonly StepResult[],
  steps: readonly Step[],
  fresh: readonly Workload[],
  assessments: readonly Assessment[],
): readonly StepResult[] {
  return results.map((result) => {
    const same = ({ uid }: { readonly uid: string }) => uid === result.ref.uid;
    const isListed = assessments.some(({ workload }) => same(workload));
    if (result.code === "gone" && isListed) return notGone(result);
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

/** A workload that a read did not find but a list has: a proxy on the way may have answered 404. */
function notGone(result: StepResult): StepResult {
  return {
    ...result,
    outcome: "failed",
    code: "not-found",
    message: "a read did not find it, but the list has it",
    nextStep: restartCommand(result.ref),
  };
}

function lostSidecar(result: StepResult, { pods }: Workload): StepResult {
  const bare = countPods(pods.filter(({ image }) => image === undefined));
  const others = countPods(pods) - bare;
  return {
    ...result,
    outcome: "failed",
    code: "sidecar-lost",
    message: `${count(bare, "pod", ["no longer has", "no longer have"])} a sidecar, ${others} still with one`,
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
      message: `the target changed to ${target.image} of ${target.revision} during the run`,
      nextStep: restartCommand(result.ref),
    };
  }
  return {
    ...result,
    outcome: "failed",
    code: "not-on-target",
    message: `restarted, but ${finding.reason}`,
    nextStep: istioUpgrade("check", "--namespace", result.ref.namespace),
  };
}
