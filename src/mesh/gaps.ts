import type { Gap } from "../snapshot.ts";
import type { Assessment } from "./assess.ts";

/**
 * Which gaps leave something open. What only serves to predict injection need not be read where
 * every verdict rests on a dry run, or on nothing that injection decides.
 *
 * @param assessments all of a scope; what is outside the mesh was told so by what was read.
 */
export function weighGaps(
  gaps: readonly Gap[],
  assessments: readonly Pick<Assessment, "proved" | "verdict">[],
): { readonly gaps: readonly Gap[]; readonly notes: readonly string[] } {
  const spared = gaps.filter(({ about }) => about === "injection");
  const decided = assessments.every(
    ({ proved, verdict }) =>
      verdict !== "unknown" && (proved || verdict === "managed" || verdict === "excluded"),
  );
  if (spared.length === 0 || !decided) return { gaps, notes: [] };
  const unread = spared.map(({ what }) => what.replace("list ", "")).join(", ");
  return {
    gaps: gaps.filter(({ about }) => about !== "injection"),
    notes: [`not read, and not needed, for every verdict was proved by a dry run: ${unread}`],
  };
}
