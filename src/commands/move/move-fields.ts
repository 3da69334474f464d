import { EXIT, type ExitReason } from "../../exit-codes.ts";
import type { MoveEntry, MovedNamespaceEntry } from "../../report/document.ts";
import { namespaceLabels } from "../../report/workload-labels.ts";
import { hasSidecar } from "../../mesh/running-pods.ts";
import type { MovedNamespace } from "../../rollout/moved-namespace.ts";
import type { StepResult } from "../../rollout/result.ts";
import { isMoveBack, wayBack } from "../../rollout/way-back.ts";
import type { RestartSettings } from "../../settings.ts";
import { compareText, type Workload } from "../../snapshot.ts";
import type { ScopeAssessment } from "../assess-scope.ts";
import type { Session } from "../session.ts";
import { moveFlags } from "./move-command.ts";
import type { NamespaceMoves } from "./namespace-moves.ts";

/** The fields that only the report of a move has. */
export interface MoveFields {
  readonly move: MoveEntry;
  readonly namespaces: readonly MovedNamespaceEntry[];
}

/** @param assessed `undefined` if only the plan counts. */
export function moveFields(
  session: Session<RestartSettings>,
  moves: NamespaceMoves,
  assessed: Pick<ScopeAssessment, "mesh" | "workloads" | "gaps" | "namespaces"> | undefined,
  results: readonly StepResult[],
): MoveFields {
  const { formatStep } = session;
  const { labelColumns } = session.settings.grouping;
  const { label, revision } = moves.target;
  // After a run that was stopped at once, nothing shows what the pods run.
  const isUnread = assessed?.gaps.some(({ verb }) => verb === "verify") === true;
  const workloads = isUnread ? [] : (assessed?.workloads ?? []);
  const back =
    assessed &&
    wayBack(moves.all(), results, moves.target, assessed.mesh, moveFlags(session.settings));
  const isBack = assessed && isMoveBack(moves.all(), results, moves.target, assessed.mesh);
  return {
    move: {
      to: label,
      revision,
      direction: isBack === true ? "back" : "forward",
      wayBack: back === undefined ? "" : formatStep(back),
    },
    namespaces: moves.all().map((namespace) => ({
      name: namespace.name,
      ...(labelColumns.length > 0 && {
        labels: namespaceLabels(assessed?.namespaces.get(namespace.name), labelColumns),
      }),
      from: namespace.change.from ?? null,
      injection: namespace.change.injection ?? null,
      to: namespace.change.to,
      outcome: namespace.outcome,
      code: namespace.code,
      message: namespace.message,
      nextStep: formatStep(namespace.nextStep),
      labelledAt: namespace.labelledAt?.toISOString() ?? null,
      pods: podsByRevision(namespace, workloads),
    })),
  };
}

/** Counts the live pods with a sidecar by their revision. */
function podsByRevision(
  { name }: MovedNamespace,
  workloads: readonly Workload[],
): Readonly<Record<string, number>> {
  const pods = new Map<string, number>();
  const own = workloads.filter(({ namespace }) => namespace === name);
  for (const group of own.flatMap((workload) => workload.pods.filter(hasSidecar))) {
    const revision = group.revision ?? "unknown";
    pods.set(revision, (pods.get(revision) ?? 0) + group.pods);
  }
  return Object.fromEntries([...pods].sort(([one], [other]) => compareText(one, other)));
}

/** Returns the reasons against exit code 0 that the namespaces are. */
export function moveReasonsOf(
  namespaces: readonly Pick<MovedNamespaceEntry, "outcome">[],
): readonly ExitReason[] {
  const number = (outcome: MovedNamespaceEntry["outcome"]) =>
    namespaces.filter((one) => one.outcome === outcome).length;
  const reason = (code: ExitReason["code"], outcome: MovedNamespaceEntry["outcome"]) =>
    number(outcome) > 0 ? [{ code, text: `${outcome}:${number(outcome)}` }] : [];
  return [
    ...reason(EXIT.outOfTime, "label-changed"),
    ...reason(EXIT.outOfTime, "not-labelled"),
    ...reason(EXIT.needsPerson, "refused"),
  ];
}
