import { type Compared, RESULTS } from "./compare.ts";
import { keyOf } from "./ours.ts";
import { classOf } from "./reduce.ts";
import { hasRemovedRevision } from "./world.ts";

/** What came of the comparisons, how often each verdict was the true one, and what was left open. */
export function summarize(compared: readonly Compared[]): string {
  const lines = RESULTS.flatMap((result) => {
    const all = compared.filter((one) => one.result === result);
    if (all.length === 0) return [];
    const verdicts = [...new Set(all.map(({ truth }) => truth.verdict))].sort();
    const counts = verdicts.map(
      (verdict) => `${verdict} ${all.filter(({ truth }) => truth.verdict === verdict).length}`,
    );
    return [`${all.length} ${result}: ${counts.join(", ")}`];
  });
  const removed = compared.filter(({ placed }) => hasRemovedRevision(placed.case)).length;
  return [
    `${compared.length} workloads, ${removed} of them in worlds with a removed revision`,
    ...lines,
    ...compared.filter(({ result }) => result === "unprovable").map(refusalOf),
    "",
  ].join("\n");
}

/** Only a dry run could have shown it: by what words. */
function refusalOf({ truth, said, prove }: Compared): string {
  const subject = said === undefined ? "unlisted" : `${said.verdict} (${said.code})`;
  return `  unprovable, --prove=${prove}: ${subject}, and ${truth.verdict} by: ${truth.refusal}`;
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
