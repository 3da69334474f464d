import type { Gap } from "../snapshot.ts";
import type { Assessment } from "./assessment.ts";

/**
 * Whether a verdict would be another one if the rules of injection were: no dry run stands for it,
 * and it is not one that injection has no part in.
 */
export function dependsOnInjectionRules({
  proved,
  verdict,
}: Pick<Assessment, "proved" | "verdict">): boolean {
  return verdict === "unknown" || !(proved || verdict === "managed" || verdict === "excluded");
}

/**
 * Which gaps leave something open. What only serves to predict injection need not be read where
 * no verdict rests on it; what is outside the mesh was told so by what was read.
 *
 * @param restsOnRules whether any verdict does.
 */
export function keepNeededGaps(
  gaps: readonly Gap[],
  restsOnRules: boolean,
): { readonly gaps: readonly Gap[]; readonly notes: readonly string[] } {
  const spared = gaps.filter(({ about }) => about === "injection");
  if (spared.length === 0 || restsOnRules) return { gaps, notes: [] };
  const unread = spared.map(({ what }) => what.replace("list ", "")).join(", ");
  return {
    gaps: gaps.filter(({ about }) => about !== "injection"),
    notes: [`not read, and not needed, for every verdict was proved by a dry run: ${unread}`],
  };
}
