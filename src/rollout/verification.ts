import { count } from "../wording.ts";
import { resourceName, restartCommand } from "../kubernetes/kinds.ts";
import type { Assessment } from "../mesh/assessment.ts";
import { moveFlags } from "../mesh/revision-move.ts";
import { countPods } from "../mesh/running-pods.ts";
import type { Workload } from "../snapshot.ts";
import { ended, isDone, type StepResult, untouchedResult } from "./result.ts";
import type { From, Step } from "./step.ts";
import { istioUpgrade } from "../next-step.ts";

/**
 * Compares results with a fresh read. A completed rollout proves nothing about sidecars: if the
 * workload had one before, every live pod must have one, with the image of the target. A workload that
 * was not restarted must not have lost its sidecar either.
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
    // A failure has a reason of its own.
    if (result.outcome === "failed") return result;
    const workload = fresh.find(same);
    if (workload === undefined) return result;
    const step = steps.find(({ ref }) => same(ref));
    const earlier = isDone(result.outcome) ? [] : (step?.from ?? []);
    if (step?.hadSidecar === true && hasLostSidecar(earlier, workload.pods)) {
      return lostSidecar(result, workload);
    }
    if (!isDone(result.outcome)) return result;
    const assessment = assessments.find((candidate) => same(candidate.workload));
    return assessment?.verdict === "outdated"
      ? stillOutdated(result, workload, assessment)
      : result;
  });
}

/**
 * Returns a result for each workload that was not planned and lost its sidecar during the run.
 *
 * @param before the assessments before the run.
 * @param fresh every workload in the fresh read, in the mesh or not.
 */
export function lostElsewhere(
  before: readonly Assessment[],
  fresh: readonly Workload[],
  results: readonly StepResult[],
  now: Date,
): readonly StepResult[] {
  const planned = new Set(results.map(({ ref }) => ref.uid));
  return before.flatMap(({ workload, running, target }) => {
    const { namespace, kind, name, uid } = workload;
    const found = planned.has(uid) ? undefined : fresh.find((one) => one.uid === uid);
    const sidecar = running.find(({ image }) => image !== undefined);
    if (found === undefined || sidecar?.image === undefined) return [];
    if (!hasLostSidecar(running, found.pods)) return [];
    const from = running.map(({ image, revision, pods }) => ({ image, revision, pods }));
    const to = target ?? { image: sidecar.image, revision: sidecar.revision ?? "" };
    const ref = { namespace, kind, name, uid };
    const ending = ended("failed", "sidecar-lost", "");
    return [lostSidecar(untouchedResult({ ref, from, to }, ending, now), found)];
  });
}

/**
 * True if more pods than before have no sidecar, or if all pods have none: a run may begin while a workload
 * is losing its last sidecars.
 *
 * @param earlier the pods of a workload that had sidecars; empty if no pod may lack one.
 */
function hasLostSidecar(earlier: readonly From[], pods: Workload["pods"]): boolean {
  const bare = barePods(pods);
  return bare > barePods(earlier) || (bare > 0 && bare === countPods(pods));
}

function barePods(groups: readonly From[]): number {
  return groups.reduce((sum, { image, pods }) => (image === undefined ? sum + pods : sum), 0);
}

/** A workload that a read did not find but a list has: a proxy on the way may have answered 404. */
function notGone(result: StepResult): StepResult {
  return {
    ...result,
    outcome: "failed",
    code: "not-found",
    message: "a read did not find it, but the list has it",
    nextStep: restartCommand(result.ref, ...moveFlags(result.from, result.to)),
  };
}

function lostSidecar(result: StepResult, { pods }: Workload): StepResult {
  const bare = barePods(pods);
  const others = countPods(pods) - bare;
  return {
    ...result,
    outcome: "failed",
    code: "sidecar-lost",
    message: `${count(bare, "pod", ["no longer has", "no longer have"])} a sidecar, ${others} still with one`,
    nextStep: istioUpgrade(
      "explain",
      resourceName(result.ref),
      "--namespace",
      result.ref.namespace,
    ),
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
      nextStep: restartCommand(result.ref, ...moveFlags(pods, target)),
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

/** The codes of workloads that the same command would not help. */
const REJECTED: ReadonlySet<string> = new Set(["rejected", "image-not-pulled"]);

/** Returns the assessments, in which a restart that was rejected needs a person. */
export function withRejections(
  assessments: readonly Assessment[],
  results: readonly StepResult[],
): readonly Assessment[] {
  const rejected = new Map(
    results.filter(({ code }) => REJECTED.has(code)).map((result) => [result.ref.uid, result]),
  );
  return assessments.map((assessment) => {
    const found = rejected.get(assessment.workload.uid);
    if (found === undefined || assessment.restart.answer !== "yes") return assessment;
    const { code, message: reason, nextStep } = found;
    return { ...assessment, restart: { answer: "refused", finding: { code, reason, nextStep } } };
  });
}
