import { EXIT, type ExitCode, type ExitReason } from "../exit-codes.ts";
import type { StepResult } from "../rollout/result.ts";
import type { WorkloadEntry } from "./document.ts";
import { isRestartable, isUnready } from "./entry-status.ts";
import { plain } from "./plain.ts";

/** The counts on the last line of stderr. Those above 0 are also the reasons of the exit code. */
export interface Counts {
  /** Outdated workloads that `restart` fixes. */
  readonly outdated: number;
  readonly "would-lose": number;
  readonly blocked: number;
  /** Workloads that need a restart which this tool does not do, or only with consent. */
  readonly "by-hand": number;
  readonly missing: number;
  readonly unknown: number;
  readonly gaps: number;
}

export function countEntries(entries: readonly WorkloadEntry[], gaps: number): Counts {
  const count = (matches: (entry: WorkloadEntry) => boolean) => entries.filter(matches).length;
  const verdict = (name: WorkloadEntry["verdict"]) => count((entry) => entry.verdict === name);
  return {
    outdated: count(isRestartable),
    "would-lose": verdict("would-lose"),
    blocked: verdict("blocked"),
    "by-hand": count(
      ({ verdict: found, restart }) =>
        restart !== "yes" && (found === "outdated" || found === "missing"),
    ),
    missing: count((entry) => entry.verdict === "missing" && entry.restart === "yes"),
    unknown: verdict("unknown"),
    gaps,
  };
}

/** @param includesMissing true if `--include missing` restarts workloads without a sidecar, too. */
export function verdictReasons(counts: Counts, includesMissing: boolean): readonly ExitReason[] {
  const codes: Readonly<Record<keyof Counts, ExitCode>> = {
    outdated: EXIT.outdated,
    "would-lose": EXIT.needsPerson,
    blocked: EXIT.needsPerson,
    "by-hand": EXIT.needsPerson,
    missing: includesMissing ? EXIT.outdated : EXIT.needsPerson,
    unknown: EXIT.incomplete,
    gaps: EXIT.incomplete,
  };
  return (Object.keys(codes) as (keyof Counts)[]).flatMap((name) =>
    counts[name] > 0 ? [{ code: codes[name], text: `${name}:${counts[name]}` }] : [],
  );
}

export function unreadyReasons(entries: readonly WorkloadEntry[]): readonly ExitReason[] {
  const unready = entries.filter(isUnready).length;
  return unready > 0 ? [{ code: EXIT.outOfTime, text: `not-ready:${unready}` }] : [];
}

export function resultReasons(results: readonly StepResult[]): readonly ExitReason[] {
  const reason = (code: ExitCode, name: string, matches: (result: StepResult) => boolean) => {
    const found = results.filter(matches).length;
    return found > 0 ? [{ code, text: `${name}:${found}` }] : [];
  };
  const lost = ({ code }: StepResult) => code === "sidecar-lost";
  const moved = ({ code, outcome }: StepResult) => code === "target-moved" && outcome === "skipped";
  return [
    ...reason(EXIT.failed, "sidecar-lost", lost),
    ...reason(EXIT.failed, "failed", (result) => result.outcome === "failed" && !lost(result)),
    ...reason(EXIT.outOfTime, "timed-out", ({ outcome }) => outcome === "timed-out"),
    ...reason(EXIT.outOfTime, "not-started", ({ outcome }) => outcome === "not-started"),
    ...reason(EXIT.needsPerson, "target-moved", moved),
  ];
}

/** The last line of stderr, which scripts can split at spaces. */
export function resultLine(exitCode: ExitCode, cluster: string, counts: Counts): string {
  const fields = Object.entries(counts).map(([name, count]) => `${name}=${count}`);
  return `RESULT exit=${exitCode} cluster=${plain(cluster).replaceAll(" ", "_")} ${fields.join(" ")}`;
}
