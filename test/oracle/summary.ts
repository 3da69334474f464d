import type { FoundContradiction } from "./command-runs.ts";
import { type Comparison, RESULTS } from "./comparison.ts";
import { keyOf, PROVES } from "./reported-workload.ts";
import { disagreementOf } from "./shrink.ts";
import { hasRemovedRevision } from "./world.ts";

/** Counts the workloads, which have several comparisons each. */
export function countWorkloads(compared: readonly Comparison[]): number {
  return new Set(compared.map(({ applied }) => applied)).size;
}

/** Summarizes the results of the comparisons, with the actual verdicts. */
export function summarize(compared: readonly Comparison[]): string {
  const removed = compared.filter(({ applied }) => hasRemovedRevision(applied.case));
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

function verdictsOf(compared: readonly Comparison[]): string {
  const verdicts = compared.map(({ actual }) => actual.verdict);
  const counts = [...new Set(verdicts)]
    .sort()
    .map((verdict) => `${verdict} ${verdicts.filter((other) => other === verdict).length}`);
  return counts.join(", ");
}

/** Describes a contradiction between the commands. */
export function describeContradiction(one: FoundContradiction): string {
  const { workload = "the exit codes", message, prove, applied } = one;
  return [
    `${workload}: the commands contradict each other with --prove=${prove}`,
    `  ${message}`,
    ...(applied === undefined ? [] : [`  ${JSON.stringify(applied.case)},`]),
    "",
  ].join("\n");
}

/** Describes a failed comparison, with the case to add to `cases.ts`. */
export function describeFailure(one: Comparison): string {
  const { actual, reported, applied, result } = one;
  return [
    `${keyOf(applied)}: ${result === "moving" ? "never became stable, " : ""}${disagreementOf(one)}`,
    `  the API server: ${JSON.stringify(actual.target ?? actual.rejection ?? "no sidecar")}`,
    `  its pods:       ${JSON.stringify(actual.pods.map(({ sidecar }) => sidecar ?? "no sidecar"))}`,
    `  the program:    ${reported?.reason ?? ""} ${JSON.stringify(reported?.target ?? null)}`,
    `  ${JSON.stringify(applied.case)},`,
    "",
  ].join("\n");
}
