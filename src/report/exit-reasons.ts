import type { FailureCode } from "../errors.ts";
import { EXIT, type ExitCode, type ExitReason } from "../exit-codes.ts";
import { FAIL_ONS, type FailOn } from "../settings.ts";
import type { StepResult } from "../rollout/result.ts";
import type { WorkloadEntry } from "./document.ts";
import { isRestartable, isUnready } from "./entry-status.ts";
import { plain } from "./plain.ts";

/** The counts on the last line of stderr. Each is a number that the report has as well. */
export interface Counts {
  readonly outdated: number;
  /** Outdated workloads that `restart` fixes. */
  readonly restartable: number;
  /** Workloads that need a restart which this tool does not do, or only with consent. */
  readonly "by-hand": number;
  readonly "would-lose": number;
  readonly blocked: number;
  readonly missing: number;
  readonly unknown: number;
  readonly "not-ready": number;
  readonly gaps: number;
}

export function countEntries(entries: readonly WorkloadEntry[], gaps: number): Counts {
  const count = (matches: (entry: WorkloadEntry) => boolean) => entries.filter(matches).length;
  const verdict = (name: WorkloadEntry["verdict"]) => count((entry) => entry.verdict === name);
  return {
    outdated: verdict("outdated"),
    restartable: count(isRestartable),
    "by-hand": count(
      ({ verdict: found, restart }) =>
        restart !== "yes" && (found === "outdated" || found === "missing"),
    ),
    "would-lose": verdict("would-lose"),
    blocked: verdict("blocked"),
    missing: verdict("missing"),
    unknown: verdict("unknown"),
    "not-ready": count(isUnready),
    gaps,
  };
}

/**
 * Returns the reasons for the exit code of a report, by its verdicts and gaps.
 *
 * @param includesMissing true if `--include missing` restarts workloads without a sidecar, too.
 * @param failOn the findings that count; gaps and `unknown` always count.
 */
export function verdictReasons(
  entries: readonly WorkloadEntry[],
  gaps: number,
  includesMissing: boolean,
  failOn: readonly FailOn[] = FAIL_ONS,
): readonly ExitReason[] {
  const counts = countEntries(entries, gaps);
  const addsMissing =
    includesMissing &&
    entries.some(({ verdict, restart }) => verdict === "missing" && restart === "yes");
  const ignored = new Set<string>(FAIL_ONS.filter((name) => !failOn.includes(name)));
  const reason = (code: ExitCode, name: keyof Counts, holds = counts[name] > 0) =>
    holds && !ignored.has(name) ? [{ code, text: `${name}:${counts[name]}` }] : [];
  return [
    ...reason(EXIT.outdated, "outdated", counts.restartable > 0),
    ...reason(EXIT.needsPerson, "would-lose"),
    ...reason(EXIT.needsPerson, "blocked"),
    ...reason(EXIT.needsPerson, "by-hand"),
    ...reason(addsMissing ? EXIT.outdated : EXIT.needsPerson, "missing"),
    ...reason(EXIT.incomplete, "unknown"),
    ...reason(EXIT.incomplete, "gaps"),
  ];
}

export function unreadyReasons(
  entries: readonly WorkloadEntry[],
  failOn: readonly FailOn[] = FAIL_ONS,
): readonly ExitReason[] {
  if (!failOn.includes("not-ready")) return [];
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

/**
 * Returns the last line of stderr, which scripts can split at spaces.
 *
 * @param fields the counts, or the code of the error that ended the command.
 */
export function resultLine(
  exitCode: ExitCode,
  cluster: string,
  fields: Counts | { readonly error: FailureCode },
): string {
  const texts = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
  return `RESULT exit=${exitCode} cluster=${plain(cluster).replaceAll(" ", "_")} ${texts.join(" ")}`;
}
