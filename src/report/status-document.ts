import { EXIT, type ExitReason, exitCodeOf } from "../exit-codes.ts";
import type { GroupingSettings } from "../grouping.ts";
import { INJECTION, REVISION } from "../istio-labels.ts";
import type { Labels } from "../snapshot.ts";
import type { Upgrade } from "../mesh/upgrade.ts";
import type { NamespaceStatus } from "../mesh/upgrade-namespaces.ts";
import type { UpgradeStep } from "../mesh/upgrade-step.ts";
import type { UpgradePlan } from "../mesh/upgrade-steps.ts";
import type {
  DocumentHead,
  StatusNamespaceEntry,
  StatusReport,
  StatusStepEntry,
  WorkloadEntry,
} from "./document.ts";
import { gapEntry, summaryEntry, targetEntries } from "./entries.ts";
import { countEntries } from "./exit-reasons.ts";
import type { StepFormatter } from "./next-step-text.ts";
import { groupFields } from "./workload-groups.ts";
import { namespaceLabels } from "./workload-labels.ts";

export interface StatusInput {
  readonly upgrade: Upgrade;
  readonly plan: UpgradePlan;
  readonly namespaces: readonly NamespaceStatus[];
  /** The workloads of the mesh. */
  readonly entries: readonly WorkloadEntry[];
  readonly grouping: GroupingSettings;
  readonly notes: readonly string[];
}

/** Builds the document. */
export function statusDocument(
  { apiVersion, ...head }: DocumentHead,
  { upgrade, plan, namespaces, entries, grouping, notes }: StatusInput,
  formatStep: StepFormatter,
): StatusReport {
  const { snapshot, asked, to, from, mesh, installed } = upgrade;
  const { gaps } = snapshot;
  const keys = grouping.labelColumns.filter((key) => !INJECTION_LABELS.has(key));
  const reasons = exitReasons(plan, entries, gaps.length);
  // The way to a revision that is not installed begins at the newest one.
  const start = asked === undefined || installed.includes(asked) ? from : installed.at(-1);
  return {
    apiVersion,
    kind: "StatusReport",
    ...head,
    phase: plan.phase ?? null,
    from: start ?? null,
    to: asked ?? (from === undefined ? null : (to ?? null)),
    complete: gaps.length === 0 && entries.every(({ verdict }) => verdict !== "unknown"),
    gaps: gaps.map((gap) => gapEntry(gap, formatStep)),
    notes,
    targets: targetEntries(mesh).filter(({ revision }) => installed.includes(revision)),
    steps: plan.steps.map((step) => stepEntry(step, plan, formatStep)),
    namespaces: namespaces.map((namespace) =>
      namespaceEntry(
        namespace,
        namespaceLabels(snapshot.namespaces.get(namespace.name), keys),
        formatStep,
      ),
    ),
    summary: summaryEntry(entries),
    ...groupFields(grouping, entries),
    nextStep: formatStep(plan.nextStep),
    exitCode: exitCodeOf(reasons),
    exitReasons: reasons.map(({ text }) => text),
  };
}

/** Only the phase `current`, read completely, gives the exit code 0. */
function exitReasons(
  { phase, isRestartNext }: UpgradePlan,
  entries: readonly WorkloadEntry[],
  gaps: number,
): readonly ExitReason[] {
  const counts = countEntries(entries, gaps);
  return [
    ...(isRestartNext ? [{ code: EXIT.outdated, text: `outdated:${counts.outdated}` }] : []),
    ...(phase === "current" || phase === undefined
      ? []
      : [{ code: EXIT.needsPerson, text: `phase:${phase}` }]),
    ...(counts.unknown > 0 ? [{ code: EXIT.incomplete, text: `unknown:${counts.unknown}` }] : []),
    ...(gaps > 0 ? [{ code: EXIT.incomplete, text: `gaps:${gaps}` }] : []),
  ];
}

function stepEntry(
  { id, isDone, message, nextStep }: UpgradeStep,
  { current, phase }: UpgradePlan,
  formatStep: StepFormatter,
): StatusStepEntry {
  // Something that could not be read may be left to do.
  const state = id === current ? "current" : isDone && phase !== undefined ? "done" : "open";
  return { id, state, message, nextStep: formatStep(nextStep) };
}

/** The labels about injection. No annotation may appear to be one of them. */
const INJECTION_LABELS: ReadonlySet<string> = new Set([REVISION, INJECTION]);

function namespaceEntry(
  status: NamespaceStatus,
  asked: Labels,
  formatStep: StepFormatter,
): StatusNamespaceEntry {
  const { name, labels, leadsTo, tag, pods, outdated, byHand, wouldLose, blocked } = status;
  return {
    name,
    labels: { ...labels, ...asked },
    leadsTo: leadsTo ?? null,
    tag: tag ?? null,
    pods,
    outdated,
    byHand,
    wouldLose,
    blocked,
    nextStep: formatStep(status.nextStep),
  };
}
