import { resourceName } from "../kubernetes/kinds.ts";
import type { Assessment } from "../mesh/assessment.ts";
import type { Finding } from "../mesh/findings.ts";
import type { NamespaceChange } from "../mesh/namespace-move.ts";
import type { NextStep } from "../next-step.ts";
import { REVISION } from "../istio-labels.ts";
import type { Gap, Workload } from "../snapshot.ts";
import { listing } from "../wording.ts";

/** A namespace that a command moves to another revision, and how far that is. */
export interface MovedNamespace {
  readonly name: string;
  readonly change: NamespaceChange;
  readonly outcome: MoveOutcome;
  /** A stable code, such as `label-owned`; empty if there is nothing to explain. */
  readonly code: string;
  readonly message: string;
  readonly nextStep: NextStep;
  /** The time of the patch; `undefined` if none was sent. */
  readonly labelledAt: Date | undefined;
}

export type MoveOutcome =
  /** The label is still to be set. */
  | "planned"
  | "labelled"
  /** The namespace led to the revision already. */
  | "unchanged"
  /** The run ended before the label was set, or could not set it. */
  | "not-labelled"
  /** Somebody changed the label during the run. */
  | "label-changed"
  /** Something is against the move, so that nothing was changed. */
  | "refused";

/** True if new pods of the namespace still follow the former label. */
export function isToBeLabelled({ outcome }: MovedNamespace): boolean {
  return outcome === "planned" || outcome === "not-labelled" || outcome === "refused";
}

/** Returns the namespace with a finding that is against its move. */
export function refusedNamespace(
  namespace: MovedNamespace,
  { code, reason, nextStep }: Pick<Finding, "code" | "reason" | "nextStep">,
): MovedNamespace {
  return { ...namespace, outcome: "refused", code, message: reason, nextStep };
}

/** The codes of a refused restart that concern the whole revision. */
const OF_REVISION: ReadonlySet<string> = new Set([
  "shared-configmap-missing",
  "shared-configmap-unread",
]);

/**
 * Finds what is against the move of a namespace: from the moment of the label on, every new pod follows
 * it, so that no workload may lose its sidecar, or be rejected, or be unknown.
 *
 * @param assessments the workloads of the namespace, as if it had its new label.
 * @param gaps the gaps of the read.
 */
export function findingAgainstMove(
  name: string,
  assessments: readonly Assessment[],
  gaps: readonly Gap[],
): Finding | undefined {
  const lost = assessments.flatMap(({ restart }) =>
    restart.answer === "refused" && OF_REVISION.has(restart.finding.code) ? [restart.finding] : [],
  );
  const unread = gaps.find(({ namespace }) => namespace === undefined || namespace === name);
  return (
    lost[0] ??
    findingOf(name, assessments, "would-lose", "would have no sidecar any more") ??
    findingOf(name, assessments, "blocked", "would be rejected") ??
    (unread && {
      code: "not-read",
      reason: `it is unknown what the label would change in namespace ${name}: ${unread.message}`,
      nextStep: unread.hint,
    }) ??
    findingOf(name, assessments, "unknown", "cannot be predicted")
  );
}

/**
 * Returns a note about pod templates that name another revision. The label of the namespace counts, but
 * `revisions` counts each of these templates as a use of the other one.
 *
 * @param leadsTo returns the revision that a label leads to; `undefined` if it leads to none.
 */
export function templateNote(
  { workloads }: { readonly workloads: readonly Workload[] },
  revision: string,
  leadsTo: (label: string) => string | undefined,
): string | undefined {
  const named = workloads.filter(({ template }) => {
    const label = template?.labels[REVISION];
    return label !== undefined && leadsTo(label) !== revision;
  });
  if (named.length === 0) return undefined;
  const names = named.slice(0, MOST_NAMED).map((one) => `${one.namespace}/${resourceName(one)}`);
  return `another revision is named in the pod template of ${listing(names, named.length)}: the label of the namespace counts, but change the template too before the other revision is removed`;
}

const MOST_NAMED = 3;

function findingOf(
  name: string,
  assessments: readonly Assessment[],
  verdict: Assessment["verdict"],
  what: string,
): Finding | undefined {
  const found = assessments.filter(
    // A workload that has no pods, and wants some, has nothing to lose.
    (one) => one.verdict === verdict && one.finding.code !== "no-pods",
  );
  const [first] = found;
  if (first === undefined) return undefined;
  const names = found.slice(0, MOST_NAMED).map(({ workload }) => resourceName(workload));
  return {
    code: verdict,
    reason: `with its new label, new pods in namespace ${name} ${what}: ${listing(names, found.length)}: ${first.finding.reason}`,
    nextStep: first.finding.nextStep,
  };
}
