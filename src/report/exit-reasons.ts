import type { FailureCode } from "../errors.ts";
import { EXIT, type ExitCode, type ExitReason } from "../exit-codes.ts";
import { FAIL_ONS, type FailOn } from "../settings.ts";
import type { StepResult } from "../rollout/result.ts";
import { readAge, roundedDown } from "./age-text.ts";
import type { AgeEntry, Fleet, LeaseEntry, Report, WorkloadEntry } from "./document.ts";
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

/** The fields of the RESULT line, after the exit code and the cluster. */
export interface ResultFields extends Counts {
  /** The phase of the upgrade, or `unknown`. Only `status` has it. */
  readonly phase?: string;
  /** The least time for which the oldest outdated workload has been outdated, such as `8d`. */
  readonly oldest?: string;
  /** The number of outdated workloads that `--max-age` keeps from the exit code. */
  readonly "within-max-age"?: number;
  /** The numbers of findings that the report of `--since` lacks, and that only it has. */
  readonly new?: number;
  readonly gone?: number;
  /** The reason why nothing, or nothing more, was started: another run has the lease. */
  readonly lease?: "held" | "lost";
}

/** Returns the fields of the RESULT line of a report. */
export function resultFields(report: Report): ResultFields {
  const { kind, workloads, gaps, summary } = report;
  const counts = countEntries(workloads, gaps.length);
  if (kind === "RestartReport") return { ...counts, ...leaseField(report.lease) };
  const { oldest, withinMaxAge } = summary;
  return {
    ...counts,
    ...(withinMaxAge === undefined ? {} : { "within-max-age": withinMaxAge }),
    ...(oldest === undefined ? {} : { oldest: leastText(oldest) }),
    ...(kind === "CheckReport" && report.since
      ? { new: report.since.new.length, gone: report.since.gone.length }
      : {}),
  };
}

function leaseField(lease: LeaseEntry | undefined): Pick<ResultFields, "lease"> {
  if (lease === undefined || lease.outcome === "taken") return {};
  return { lease: lease.outcome === "lost" ? "lost" : "held" };
}

function leastText(age: AgeEntry): string {
  const { atLeast } = readAge(age);
  return atLeast === undefined ? "unknown" : roundedDown(atLeast);
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
  const counts = countEntries(
    entries.filter(({ withinMaxAge }) => withinMaxAge === undefined),
    gaps,
  );
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
    ...reason(EXIT.outOfTime, "still-rolling", ({ outcome }) => outcome === "still-rolling"),
    ...reason(EXIT.outOfTime, "not-started", ({ outcome }) => outcome === "not-started"),
    ...reason(EXIT.needsPerson, "target-moved", moved),
    ...reason(EXIT.needsPerson, "rejected", ({ code }) => code === "rejected"),
  ];
}

/** Returns the reason that a run did not get its lease, or lost it. */
export function leaseReasons(lease: LeaseEntry | undefined): readonly ExitReason[] {
  const { lease: state } = leaseField(lease);
  return state === undefined ? [] : [{ code: EXIT.outOfTime, text: `lease-${state}` }];
}

/**
 * Returns the reason that workloads were left out because nobody agreed to another revision. It counts
 * even if `--fail-on` omits `by-hand`, so that no unattended run misses that a tag was moved.
 */
export function moveReasons(entries: readonly WorkloadEntry[]): readonly ExitReason[] {
  const left = entries.filter(({ restartCode }) => restartCode === "revision-not-allowed").length;
  return left > 0 ? [{ code: EXIT.needsPerson, text: `revision-not-allowed:${left}` }] : [];
}

/**
 * Returns the last line of stderr, which scripts can split at spaces.
 *
 * @param fields those of a report, or the code of the error that ended the command.
 */
export function resultLine(
  exitCode: ExitCode,
  cluster: string,
  fields: ResultFields | { readonly error: FailureCode },
): string {
  return resultText(exitCode, { cluster: plain(cluster).replaceAll(" ", "_"), ...fields });
}

/**
 * Returns the last line of stderr after a report about several clusters.
 *
 * @param all the fields of the clusters that have some.
 */
export function fleetResultLine(
  { exitCode, summary }: Pick<Fleet, "exitCode" | "summary">,
  all: readonly ResultFields[],
): string {
  const { clusters, unreachable, interrupted, sidecars } = summary;
  const { oldest, withinMaxAge } = sidecars ?? {};
  return resultText(exitCode, {
    clusters,
    unreachable,
    ...(interrupted > 0 ? { interrupted } : {}),
    ...(all.length > 0 ? sumCounts(all) : {}),
    ...(withinMaxAge === undefined ? {} : { "within-max-age": withinMaxAge }),
    ...(oldest === undefined ? {} : { oldest: leastText(oldest) }),
  });
}

function sumCounts(all: readonly Counts[]): Counts {
  const names = Object.keys(countEntries([], 0)) as (keyof Counts)[];
  const sums = names.map(
    (name) => [name, all.reduce((sum, counts) => sum + counts[name], 0)] as const,
  );
  return Object.fromEntries(sums) as unknown as Counts;
}

function resultText(exitCode: ExitCode, fields: object): string {
  const texts = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`);
  return `RESULT exit=${exitCode} ${texts.join(" ")}`;
}
