import { EXIT, type ExitReason, exitCodeOf } from "../exit-codes.ts";
import type { UsageByRevision } from "../mesh/revision-usage.ts";
import type { Gap } from "../snapshot.ts";
import type { DocumentHead, RevisionsReport } from "./document.ts";
import { gapEntry, revisionEntry } from "./entries.ts";
import type { StepFormatter } from "./next-step-text.ts";

export interface RevisionsInput {
  readonly asked: { readonly revision: string | undefined; readonly assertUnused: boolean };
  /** The usage of the revisions to report. */
  readonly usage: UsageByRevision;
  readonly gaps: readonly Gap[];
}

/**
 * Builds the document. References to a revision affect the exit code only with `--assert-unused`.
 */
export function revisionsDocument(
  { apiVersion, ...head }: DocumentHead,
  { asked, usage, gaps }: RevisionsInput,
  formatStep: StepFormatter,
): RevisionsReport {
  const reasons: readonly ExitReason[] = [
    ...(gaps.length > 0 ? [{ code: EXIT.incomplete, text: `gaps:${gaps.length}` }] : []),
    ...(asked.assertUnused ? usageReasons(usage) : []),
  ];
  return {
    apiVersion,
    kind: "RevisionsReport",
    ...head,
    revision: asked.revision ?? null,
    assertUnused: asked.assertUnused,
    complete: gaps.length === 0,
    gaps: gaps.map((gap) => gapEntry(gap, formatStep)),
    revisions: usage.revisions.map((use) => revisionEntry(use, formatStep)),
    unattributed: usage.unattributed,
    exitCode: exitCodeOf(reasons),
    exitReasons: reasons.map(({ text }) => text),
  };
}

/**
 * Returns the reasons against removing the revisions. Sidecars and tags of an unknown revision may
 * use any of them.
 */
function usageReasons({
  revisions,
  unattributed: { pods, tags },
}: UsageByRevision): readonly ExitReason[] {
  return [
    ...(tags.length > 0
      ? [{ code: EXIT.incomplete, text: `unattributed-tags:${tags.length}` }]
      : []),
    ...(pods > 0 ? [{ code: EXIT.incomplete, text: `unattributed:${pods}` }] : []),
    ...revisions
      .filter(({ elsewhere }) => elsewhere !== undefined)
      .map(({ elsewhere }) => ({
        code: EXIT.incomplete,
        text: elsewhere?.kind === "remote" ? "remote:1" : "other-namespace:1",
      })),
    ...[...countByKind(revisions.flatMap(({ references }) => references))].map(([kind, count]) => ({
      code: EXIT.needsPerson,
      text: `${kind}:${count}`,
    })),
  ];
}

/** Sums the counts of references that are removed in different ways. */
export function countByKind<Kind>(
  references: readonly { readonly kind: Kind; readonly count: number }[],
): ReadonlyMap<Kind, number> {
  const counts = new Map<Kind, number>();
  for (const { kind, count } of references) counts.set(kind, (counts.get(kind) ?? 0) + count);
  return counts;
}
