import type { Gap } from "../snapshot.ts";
import type { Assessment } from "./assessment.ts";

/**
 * True if the verdict depends on the rules of injection: no dry run proves it, and it is neither
 * `managed` nor `excluded`, which hold regardless of injection. A gateway that istiod renders is
 * managed only while it runs the image of its revision.
 */
export function dependsOnInjectionRules({
  proved,
  verdict,
  finding,
}: Pick<Assessment, "proved" | "verdict" | "finding">): boolean {
  if (verdict === "managed" && finding.code === "gateway-api") return true;
  return verdict === "unknown" || !(proved || verdict === "managed" || verdict === "excluded");
}

/**
 * Keeps the gaps that make a report incomplete. Gaps in the rules of injection do not count if no
 * verdict depends on these rules.
 *
 * @param rulesNeeded true if at least one verdict depends on the rules of injection.
 * @returns the remaining gaps, and notes about the dropped ones.
 */
export function keepNeededGaps(
  gaps: readonly Gap[],
  rulesNeeded: boolean,
): { readonly gaps: readonly Gap[]; readonly notes: readonly string[] } {
  const needless = gaps.filter(({ about }) => about === "injection");
  if (needless.length === 0 || rulesNeeded) return { gaps, notes: [] };
  const unread = needless.map(({ resource }) => resource).join(", ");
  return {
    gaps: gaps.filter(({ about }) => about !== "injection"),
    notes: [`could not read ${unread}, which is not needed: a dry run proved every verdict`],
  };
}
