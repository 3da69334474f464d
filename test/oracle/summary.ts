import { keyOf } from "./ours.ts";
import type { Compared } from "./compare.ts";
import { classOf } from "./reduce.ts";

/** How often each verdict was the true one, and what came of it. */
export function summarize(compared: readonly Compared[]): string {
  const rows = new Map<string, number>();
  for (const { result, truth } of compared) {
    for (const row of [result, `${result}: ${truth.verdict}`]) {
      rows.set(row, (rows.get(row) ?? 0) + 1);
    }
  }
  const lines = [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
  return lines.map(([row, count]) => `${String(count).padStart(6)}  ${row}\n`).join("");
}

/** A disagreement, and the case to keep in `cases.ts`. */
export function describe(one: Compared): string {
  const { truth, said, placed } = one;
  return [
    `${keyOf(placed)}: ${classOf(one)}`,
    `  the API server: ${JSON.stringify(truth.target ?? truth.refusal ?? "no sidecar")}`,
    `  its pods:       ${JSON.stringify(truth.pods.map(({ sidecar }) => sidecar ?? "no sidecar"))}`,
    `  we said:        ${said?.reason ?? ""} ${JSON.stringify(said?.target ?? null)}`,
    `  ${JSON.stringify(placed.case)},`,
    "",
  ].join("\n");
}
