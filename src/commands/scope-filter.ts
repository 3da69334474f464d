import { matchesSelector } from "../kubernetes/selector.ts";
import { type Assessment, type AssessmentOptions, NOT_NEEDED } from "../mesh/assessment.ts";
import { unknownOutcome } from "../mesh/findings.ts";
import { countPods, hasSidecar } from "../mesh/running-pods.ts";
import type { Exclude, ScopeSettings } from "../scope.ts";
import type { CommonSettings } from "../settings.ts";
import type { Workload } from "../snapshot.ts";

/** The milliseconds in which a pod that is starting becomes ready. */
const STARTING = 120_000;

/**
 * Returns the options of an assessment that follow from the command's flags. A pod that is unready for
 * longer than pods take to start, or than the user waits for progress, is a failure.
 *
 * @param now milliseconds since the epoch.
 */
export function assessmentOptions(
  { scope, consent, timeout = STARTING }: CommonSettings & { readonly timeout?: number },
  now: number,
): AssessmentOptions {
  const excludes = (workload: Workload) =>
    scope.excludes.find((exclude) => isExcluded(workload, exclude))?.text;
  return { ...consent, excludes, unreadyBefore: now - Math.min(STARTING, timeout) };
}

/** True if an `--exclude` matches the workload. */
export function isExcluded(workload: Workload, { namespace, kind, name }: Exclude): boolean {
  const matches = (wanted: string | undefined, value: string) =>
    wanted === undefined || wanted === value;
  return (
    matches(namespace, workload.namespace) &&
    matches(kind, workload.kind) &&
    matches(name, workload.name)
  );
}

/** True if the workload is one of the named ones, and `--selector` matches it. */
export function isInScope(workload: Workload, { workloads, selector }: ScopeSettings): boolean {
  const isNamed =
    workloads.length === 0 ||
    workloads.some(({ kind, name }) => kind === workload.kind && name === workload.name);
  return isNamed && (selector === undefined || matchesSelector(workload.labels, selector.parsed));
}

/** True if a workload in scope belongs in the report. */
export function isReported(
  { verdict, running, target, finding }: Assessment,
  { revision, workloads }: ScopeSettings,
): boolean {
  const hasRevision =
    revision === undefined ||
    // An unknown target may be of that revision.
    (verdict === "unknown" && target === undefined) ||
    target?.revision === revision ||
    running.some((group) => group.revision === revision);
  // A workload that is scaled to zero is only of interest to a user who names it.
  return hasRevision && (finding.code !== "scaled-to-zero" || workloads.length > 0);
}

/**
 * Returns the assessment of a workload with pods that do not name their revision, if `--revision` left
 * it out: the pods may be of that revision.
 */
export function ofUnknownRevision(
  assessment: Assessment,
  { revision }: ScopeSettings,
): Assessment | undefined {
  const { verdict, running, workload } = assessment;
  const unnamed = running.filter((group) => hasSidecar(group) && group.revision === undefined);
  const isDecided = verdict === "managed" || verdict === "excluded";
  if (revision === undefined || unnamed.length === 0 || isDecided) return undefined;
  const finding = unknownOutcome.revisionUnnamed(workload, countPods(unnamed), revision);
  return { ...assessment, verdict: "unknown", finding, restart: NOT_NEEDED };
}
