import type { WorldResult } from "./chaos-run.ts";
import { contradictionsOf, reportOf } from "./findings.ts";

/** Describes a world in one line. */
export function describeWorld({ number, evidence, findings }: WorldResult): string {
  const { workloads, changes, runs } = evidence;
  const texts = runs.map(({ status, begun, ended, restarts }) => {
    const seconds = ((ended - begun) / 1000).toFixed(1);
    return `exit ${status ?? "-"} after ${seconds} s, ${restarts.length} restarts`;
  });
  const kinds = changes.map(({ kind }) => kind).join(" ");
  return `world ${number}: ${findings.length} findings; ${workloads.length} workloads; ${texts.join("; ")}; ${kinds}\n`;
}

/** Describes the findings in a world, and how to repeat it. */
export function describeFindings(
  seed: number,
  { number, evidence, findings }: WorldResult,
): string {
  if (findings.length === 0) return "";
  const { world, changes, runs } = evidence;
  const results = runs.map((run) =>
    (reportOf(run)?.results ?? []).map(
      ({ namespace, kind, name, code, message }) =>
        `${namespace} ${kind}/${name} ${code}: ${message}`,
    ),
  );
  return [
    ...findings,
    `  npm run chaos -- --seed ${seed} --first ${number} --worlds 1`,
    `  world:   ${JSON.stringify(world)}`,
    `  changes: ${JSON.stringify(changes)}`,
    ...results.map((all, index) => `  run ${index + 1}:   ${all.join("\n           ")}`),
    "",
  ].join("\n");
}

/** Summarizes worlds: how the runs ended, and what happened in the meantime. */
export function summarize(results: readonly WorldResult[]): string {
  const runs = results.flatMap(({ evidence }) =>
    evidence.runs.map((run) => ({ run, contradictions: contradictionsOf(evidence, run) })),
  );
  const changes = results.flatMap(({ evidence }) => evidence.changes);
  const restarts = runs.flatMap(({ run }) => run.restarts);
  const outcomes = runs.flatMap(({ run }) => reportOf(run)?.results ?? []);
  const lost = runs.reduce((sum, { run }) => sum + run.lost, 0);
  const proved = runs.filter(
    ({ run, contradictions }) => run.status === 0 && contradictions.length === 0,
  );
  const zeros = runs.filter(({ run }) => run.status === 0);
  const findings = results.reduce((sum, one) => sum + one.findings.length, 0);
  return [
    `${results.length} worlds, ${findings} findings`,
    `  ${runs.length} runs: ${tally(runs.map(({ run }) => `exit ${run.status ?? "by signal"}`))}`,
    `  ${zeros.length} times exit 0: ${proved.length} agreed with the cluster, ${zeros.length - proved.length} changed too late to tell`,
    `  ${restarts.length} restarts sent, ${lost} requests or answers lost`,
    `  ${outcomes.length} results: ${tally(outcomes.map(({ code }) => code))}`,
    `  ${changes.length} changes: ${tally(changes.map(({ kind }) => kind))}`,
    "",
  ].join("\n");
}

function tally(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
}
