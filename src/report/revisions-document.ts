import { EXIT, type ExitReason, exitCodeOf } from "../exit-codes.ts";
import type { UsageByRevision } from "../mesh/revision-usage.ts";
import type { Gap } from "../snapshot.ts";
import type { DocumentHead, RevisionsReport } from "./document.ts";
import { gapEntry, revisionEntry } from "./entries.ts";

export interface RevisionsInput {
  readonly asked: { readonly revision: string | undefined; readonly assertUnused: boolean };
  /** Of the revisions that were asked for. */
  readonly usage: UsageByRevision;
  readonly gaps: readonly Gap[];
}

/** The published form; without `--assert-unused` what holds a revision is no failure. */
export function revisionsDocument(
  { apiVersion, ...head }: DocumentHead,
  { asked, usage, gaps }: RevisionsInput,
): RevisionsReport {
  const reasons: readonly ExitReason[] = [
    ...(gaps.length > 0 ? [{ code: EXIT.incomplete, text: `gaps:${gaps.length}` }] : []),
    ...(asked.assertUnused ? holding(usage) : []),
  ];
  return {
    apiVersion,
    kind: "RevisionsReport",
    ...head,
    revision: asked.revision ?? null,
    assertUnused: asked.assertUnused,
    complete: gaps.length === 0,
    gaps: gaps.map(gapEntry),
    revisions: usage.revisions.map(revisionEntry),
    unattributed: usage.unattributed,
    exitCode: exitCodeOf(reasons),
    exitReasons: reasons.map(({ text }) => text),
  };
}

/** What speaks against removing it. What does not say which revision it belongs to may be its own. */
function holding({
  revisions,
  unattributed: { pods, tags },
}: UsageByRevision): readonly ExitReason[] {
  return [
    ...(tags.length > 0
      ? [{ code: EXIT.incomplete, text: `unattributed-tags:${tags.length}` }]
      : []),
    ...(pods > 0 ? [{ code: EXIT.incomplete, text: `unattributed:${pods}` }] : []),
    ...revisions
      .flatMap(({ references }) => references)
      .map(({ kind, count }) => ({ code: EXIT.needsPerson, text: `${kind}:${count}` })),
  ];
}
