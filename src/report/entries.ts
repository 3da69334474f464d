import { createHash } from "node:crypto";
import { type Age, isWithin, oldestAge } from "../mesh/age.ts";
import type { Assessment } from "../mesh/assessment.ts";
import type { Drift } from "../mesh/drift.ts";
import { largestChange } from "../mesh/image.ts";
import { changeTo, countPods } from "../mesh/running-pods.ts";
import { VERDICTS } from "../mesh/verdict.ts";
import type { Mesh } from "../mesh/mesh.ts";
import { defaultImage } from "../mesh/mesh.ts";
import type { RevisionUsage } from "../mesh/revision-usage.ts";
import type { From, Step } from "../rollout/step.ts";
import type { Cause, StepResult } from "../rollout/result.ts";
import { replacedPodEntry } from "./replaced-pods.ts";
import { containerOf, longestUnready, unreadyText } from "../mesh/unready-pod.ts";
import { type Gap, wantedPods } from "../snapshot.ts";
import { readAge } from "./age-text.ts";
import type {
  AgeEntry,
  CauseEntry,
  DriftEntry,
  FromEntry,
  GapEntry,
  LabelFields,
  MovedNamespaceEntry,
  MoveEntry,
  RestartReport,
  ResultEntry,
  RevisionEntry,
  StepEntry,
  SummaryEntry,
  TargetEntry,
  WorkloadEntry,
} from "./document.ts";
import { isoDuration } from "./iso-duration.ts";
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
      since: revision.changedAt ?? null,
    }))
    .sort((a, b) => (a.revision < b.revision ? -1 : 1));
}

/** @param maxAge the seconds after which an outdated workload counts for the exit code. */
export function workloadEntry(
  assessment: Assessment,
  formatStep: StepFormatter,
  maxAge = 0,
): WorkloadEntry {
  const { workload, verdict, finding, change, running, target, restart, proved, warnings, drift } =
    assessment;
  const { namespace, kind, name } = workload;
  const onTarget = (index: number) =>
    running[index]?.change === "none" && running[index]?.image !== undefined;
  const blocked = restart.answer === "yes" ? undefined : restart.finding;
  const outdatedFor = assessment.outdatedFor && ageEntry(assessment.outdatedFor);
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
    ...(outdatedFor ? { outdatedFor } : {}),
    ...(assessment.outdatedFor && maxAge > 0 && isWithin(assessment.outdatedFor, maxAge)
      ? { withinMaxAge: true as const }
      : {}),
    running: running.map((group, index) => ({
      image: group.image ?? null,
      revision: group.revision ?? null,
      pods: group.pods,
      ready: group.ready,
      native: group.native,
      change: group.change,
      ...(group.outdatedFor ? { outdatedFor: ageEntry(group.outdatedFor) } : {}),
      ...(onTarget(index) ? {} : { podNames: group.podNames }),
    })),
    wanted: workload.rollout ? wantedPods(workload.rollout) : null,
    target: target ?? null,
    proof: proved ? "proved" : "predicted",
    restart: restart.answer,
    restartReason: blocked?.reason ?? "",
    // An empty reason has nothing to be coded.
    restartCode: blocked?.reason ? blocked.code : "",
    drift: drift === undefined ? null : drift.map(driftEntry),
    warnings,
    ...unreadyField(assessment),
  };
}

export function ageEntry({ atLeast, atMost }: Age): AgeEntry {
  return {
    atLeast: atLeast === undefined ? null : isoDuration(atLeast),
    atMost: atMost === undefined ? null : isoDuration(atMost),
  };
}

function driftEntry({ path, what, from, to }: Drift): DriftEntry {
  return { path, what, from, to };
}

/** A workload with ready pods has no such field, unless a pod that is terminating takes a place. */
function unreadyField({ workload, running }: Assessment): Pick<WorkloadEntry, "unready"> {
  const unready = longestUnready(running);
  if (unready !== undefined) {
    const { pod, blocker, node = null, event = null } = unready;
    const container = containerOf(blocker) ?? null;
    const message = unreadyText(`the pod ${pod}`, unready, unready.event);
    return { unready: { pod, container, node, event, message } };
  }
  const { rollout, terminatingPods } = workload;
  const last = terminatingPods.find(({ podNames }) => podNames.length > 0);
  const lacksPods = rollout !== undefined && countPods(running) < wantedPods(rollout);
  const [pod] = last?.podNames ?? [];
  if (pod === undefined || !lacksPods) return {};
  const node = last?.unready?.node ?? null;
  const message = `the pod ${pod}${node === null ? "" : ` on ${node}`} is still terminating`;
  return { unready: { pod, container: null, node, event: null, message } };
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
  const ages = entries.flatMap(({ outdatedFor }) => (outdatedFor ? readAge(outdatedFor) : []));
  const oldest = ages.length === 0 ? {} : { oldest: ageEntry(oldestAge(ages)) };
  return { workloads: entries.length, pods, byVerdict, ...oldest };
}

/** Adds the labels that the user asked for to an entry, after its name. */
export function withLabels<Entry extends Pick<WorkloadEntry, "namespace" | "kind" | "name">>(
  { namespace, kind, name, ...rest }: Entry,
  fields: LabelFields,
) {
  return { namespace, kind, name, ...fields, ...rest };
}

export function stepEntry(step: Step): StepEntry {
  const { verdict, template = null, restartedAt = null, drift } = step;
  return {
    ...stepBase(step),
    verdict,
    template,
    restartedAt,
    ...(drift !== undefined && { drift: drift.map(driftEntry) }),
  };
}

function stepBase({ ref, from, to }: Pick<Step, "ref" | "from" | "to">) {
  const { namespace, kind, name, uid } = ref;
  return {
    namespace,
    kind,
    name,
    uid,
    from: from.map(fromEntry),
    to,
    change: largestChange(from.map((group) => changeTo(to, group))),
  };
}

export function fromEntry({ image, revision, pods }: From): FromEntry {
  return { image: image ?? null, revision: revision ?? null, pods };
}

export function resultEntry(result: StepResult, formatStep: StepFormatter): ResultEntry {
  const { outcome, code, message, nextStep, startedAt, milestones, finishedAt, cause, pods } =
    result;
  return {
    ...stepBase(result),
    outcome,
    code,
    message,
    nextStep: formatStep(nextStep),
    startedAt: startedAt?.toISOString() ?? null,
    firstPodAt: isoTime(milestones?.firstPodAt),
    readyAt: isoTime(milestones?.readyAt),
    finishedAt: finishedAt.toISOString(),
    cause: cause === undefined ? null : causeEntry(cause),
    ...(pods !== undefined && { pods: pods.map(replacedPodEntry) }),
  };
}

/** @param milliseconds since the epoch. */
function isoTime(milliseconds: number | undefined): string | null {
  return milliseconds === undefined ? null : new Date(milliseconds).toISOString();
}

function causeEntry({ pod, container, node, event, budget, oldPodsReady }: Cause): CauseEntry {
  return {
    pod: pod ?? null,
    container: container ?? null,
    node: node ?? null,
    event: event ?? null,
    budget: budget ?? null,
    oldPodsReady,
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
export interface PlanContent extends Pick<
  RestartReport,
  "cluster" | "steps" | "allowDowntime" | "inPlace"
> {
  readonly scope: Pick<RestartReport["scope"], "include">;
  readonly move?: Pick<MoveEntry, "to" | "revision">;
  readonly namespaces?: readonly Pick<MovedNamespaceEntry, "name" | "from" | "injection" | "to">[];
}

/** Returns the hash of a plan, `sha256:...`. It does not depend on the time. */
export function planHash({
  cluster,
  scope,
  allowDowntime,
  steps,
  move,
  namespaces = [],
  inPlace,
}: PlanContent): string {
  const { server, istioNamespace } = cluster;
  // A plan that restarts must not be carried out in place, nor the other way round.
  const way = inPlace && { inPlace: { pull: inPlace.pull } };
  const include = [...scope.include].sort();
  const moved = move && {
    to: move.to,
    revision: move.revision,
    namespaces: namespaces.map(({ name, from, injection, to }) => ({ name, from, injection, to })),
  };
  const content = JSON.stringify({
    server,
    istioNamespace,
    include,
    allowDowntime,
    // The same restarts are the same plan, with any columns.
    steps: steps.map(({ labels: _labels, group: _group, ...step }) => step),
    ...(moved && { move: moved }),
    ...way,
  });
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}
