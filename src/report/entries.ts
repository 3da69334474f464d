import { createHash } from "node:crypto";
import type { Assessment } from "../mesh/assessment.ts";
import { largestChange } from "../mesh/image.ts";
import { changeTo } from "../mesh/running-pods.ts";
import { VERDICTS } from "../mesh/verdict.ts";
import type { Mesh } from "../mesh/mesh.ts";
import { defaultImage } from "../mesh/mesh.ts";
import type { RevisionUsage } from "../mesh/revision-usage.ts";
import type { Step } from "../rollout/step.ts";
import type { StepResult } from "../rollout/result.ts";
import { type Gap, wantedPods } from "../snapshot.ts";
import type {
  GapEntry,
  RestartReport,
  ResultEntry,
  RevisionEntry,
  StepEntry,
  SummaryEntry,
  TargetEntry,
  WorkloadEntry,
} from "./document.ts";
import type { StepFormatter } from "./next-step-text.ts";

// The published names are listed one by one: a rename in mesh/ or rollout/ must not change them.

export function gapEntry(
  { verb, resource, namespace, reason, message, hint }: Gap,
  formatStep: StepFormatter,
): GapEntry {
  return {
    what: `${verb} ${resource}`,
    namespace: namespace ?? null,
    reason,
    message,
    hint: formatStep(hint),
  };
}

export function targetEntries({ revisions }: Mesh): readonly TargetEntry[] {
  return [...revisions.values()]
    .map((revision) => ({
      revision: revision.name,
      image: defaultImage(revision) ?? null,
      source: revision.source,
      tags: revision.tags,
      ready: revision.istiod?.ready ?? null,
    }))
    .sort((a, b) => (a.revision < b.revision ? -1 : 1));
}

export function workloadEntry(assessment: Assessment, formatStep: StepFormatter): WorkloadEntry {
  const { workload, verdict, finding, change, running, target, restart, proved, warnings } =
    assessment;
  const { namespace, kind, name } = workload;
  const onTarget = (index: number) =>
    running[index]?.change === "none" && running[index]?.image !== undefined;
  const blocked = restart.answer === "yes" ? undefined : restart.finding;
  return {
    namespace,
    kind,
    name,
    verdict,
    code: finding.code,
    reason: finding.reason,
    // A reason against the restart comes first: no flag helps before it is resolved.
    nextStep: formatStep(blocked?.nextStep || finding.nextStep),
    change,
    running: running.map((group, index) => ({
      image: group.image ?? null,
      revision: group.revision ?? null,
      pods: group.pods,
      ready: group.ready,
      native: group.native,
      change: group.change,
      ...(onTarget(index) ? {} : { podNames: group.podNames }),
    })),
    wanted: workload.rollout ? wantedPods(workload.rollout) : null,
    target: target ?? null,
    proof: proved ? "proved" : "predicted",
    restart: restart.answer,
    restartReason: blocked?.reason ?? "",
    warnings,
  };
}

export function revisionEntry(use: RevisionUsage, formatStep: StepFormatter): RevisionEntry {
  const {
    name,
    installed,
    elsewhere,
    ready,
    image,
    source,
    tags,
    namespaces,
    pods,
    references,
    removal,
  } = use;
  return {
    revision: name,
    installed: installed ?? null,
    elsewhere: elsewhere
      ? { namespace: elsewhere.kind === "namespace" ? elsewhere.namespace : null }
      : null,
    ready: ready ?? null,
    image: image ?? null,
    source: source ?? null,
    tags,
    namespaces: namespaces.map(({ name: place, label, tag }) => ({
      name: place,
      label,
      tag: tag ?? null,
    })),
    pods,
    warnings: use.lostConfiguration.map(({ code, reason, nextStep }) => ({
      code,
      message: reason,
      nextStep: formatStep(nextStep),
    })),
    removal: removal.map(formatStep),
    holders: references.map((reference) => ({
      ...reference,
      release: formatStep(reference.release),
    })),
  };
}

export function summaryEntry(entries: readonly WorkloadEntry[]): SummaryEntry {
  const counts = VERDICTS.map(
    (verdict) => [verdict, entries.filter((entry) => entry.verdict === verdict).length] as const,
  );
  const byVerdict = Object.fromEntries(counts.filter(([, number]) => number > 0));
  const pods = entries
    .flatMap(({ running }) => running)
    .reduce((sum, group) => sum + group.pods, 0);
  return { workloads: entries.length, pods, byVerdict };
}

export function stepEntry(step: Step): StepEntry {
  return { ...stepBase(step), verdict: step.verdict, template: step.template ?? null };
}

function stepBase({ ref, from, to }: Pick<Step, "ref" | "from" | "to">) {
  const { namespace, kind, name, uid } = ref;
  return {
    namespace,
    kind,
    name,
    uid,
    from: from.map(({ image, revision, pods }) => ({
      image: image ?? null,
      revision: revision ?? null,
      pods,
    })),
    to,
    change: largestChange(from.map((group) => changeTo(to, group))),
  };
}

export function resultEntry(result: StepResult, formatStep: StepFormatter): ResultEntry {
  const { outcome, code, message, nextStep, startedAt, finishedAt } = result;
  return {
    ...stepBase(result),
    outcome,
    code,
    message,
    nextStep: formatStep(nextStep),
    startedAt: startedAt?.toISOString() ?? null,
    finishedAt: finishedAt.toISOString(),
  };
}

/** Marks workloads whose first new pod proved the target, unless a dry run had proved it. */
export function withFirstPods(
  entries: readonly WorkloadEntry[],
  results: readonly ResultEntry[],
): readonly WorkloadEntry[] {
  const seen = new Set(
    results
      .filter(({ outcome }) => outcome === "restarted")
      .map(({ namespace, kind, name }) => `${namespace}/${kind}/${name}`),
  );
  return entries.map((entry) =>
    entry.proof === "predicted" && seen.has(`${entry.namespace}/${entry.kind}/${entry.name}`)
      ? { ...entry, proof: "first-pod" }
      : entry,
  );
}

/**
 * The part of a report that an approval covers: the cluster, the consents and the steps in order.
 */
export interface PlanContent extends Pick<RestartReport, "cluster" | "steps" | "allowDowntime"> {
  readonly scope: Pick<RestartReport["scope"], "include">;
}

/** Returns the hash of a plan, `sha256:...`. It does not depend on the time. */
export function planHash({ cluster, scope, allowDowntime, steps }: PlanContent): string {
  const { server, istioNamespace } = cluster;
  const include = [...scope.include].sort();
  const content = JSON.stringify({ server, istioNamespace, include, allowDowntime, steps });
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}
