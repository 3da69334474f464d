import { type Compared, RESULTS } from "./compare.ts";
import { keyOf, PROVES } from "./ours.ts";
import { classOf } from "./reduce.ts";
import { hasRemovedRevision } from "./world.ts";

/** Each was asked for in several ways. */
export function countWorkloads(compared: readonly Compared[]): number {
  return new Set(compared.map(({ placed }) => placed)).size;
}

/** What came of the comparisons, how often each verdict was the true one. */
export function summarize(compared: readonly Compared[]): string {
  const removed = compared.filter(({ placed }) => hasRemovedRevision(placed.case));
  const lines = PROVES.flatMap((prove) =>
    RESULTS.flatMap((result) => {
      const all = compared.filter((one) => one.prove === prove && one.result === result);
      return all.length === 0
        ? []
        : [`  --prove=${prove}: ${all.length} ${result} (${verdictsOf(all)})`];
    }),
  );
  return [
    `${countWorkloads(compared)} workloads, ${countWorkloads(removed)} of them in worlds with a removed revision`,
    ...lines,
    "",
  ].join("\n");
}

function verdictsOf(compared: readonly Compared[]): string {
  const verdicts = compared.map(({ truth }) => truth.verdict);
  const counts = [...new Set(verdicts)]
    .sort()
    .map((verdict) => `${verdict} ${verdicts.filter((other) => other === verdict).length}`);
  return counts.join(", ");
}

/** A disagreement, and the case to keep in `cases.ts`. */
export function describe(one: Compared): string {
  const { truth, said, placed, result } = one;
  return [
    `${keyOf(placed)}: ${result === "moving" ? "never came to rest, " : ""}${classOf(one)}`,
    `  the API server: ${JSON.stringify(truth.target ?? truth.refusal ?? "no sidecar")}`,
    `  its pods:       ${JSON.stringify(truth.pods.map(({ sidecar }) => sidecar ?? "no sidecar"))}`,
    `  we said:        ${said?.reason ?? ""} ${JSON.stringify(said?.target ?? null)}`,
    `  ${JSON.stringify(placed.case)},`,
    "",
  ].join("\n");
}
