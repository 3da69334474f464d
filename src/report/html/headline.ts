import { capitalized, count } from "../../wording.ts";
import { limitText, oldestText } from "../age-text.ts";
import type { Report, RestartReport } from "../document.ts";
import { isUnready } from "../entry-status.ts";
import { doneResults, undoneResults, withinEntries } from "../result-groups.ts";
import type { ClusterOutcome } from "./cluster-outcome.ts";
import { type Share, shareOf, totalOf, verdictCounts } from "./shares.ts";

/** The importance of a headline, which decides its color. */
export type Tone = "good" | "neutral" | "warning" | "bad" | "incomplete";

/** From the best to the worst. */
const TONES: readonly Tone[] = ["good", "neutral", "warning", "bad", "incomplete"];

/** The first sentence of a page, and the sentences that restrict or explain it. */
export interface Headline {
  readonly tone: Tone;
  readonly text: string;
  readonly details: readonly string[];
}

/** Returns the headline about the sidecars of one or many clusters. */
export function sidecarHeadline(clusters: readonly ClusterOutcome[]): Headline {
  const reports = clusters.flatMap(({ report }) => report ?? []);
  const errors = clusters.length - reports.length;
  if (reports.length === 0) {
    const text = errors === 1 ? "The cluster could not be read" : "No cluster could be read";
    return { tone: "incomplete", text, details: [] };
  }
  const share = shareOf(verdictCounts(reports.flatMap(({ workloads }) => workloads)));
  const unready = reports.flatMap(unreadyOf).length;
  const missing = missingTexts(reports, errors, clusters.length, share);
  const isIncomplete = missing.length > 0 || reports.some(({ complete }) => !complete);
  const base = isIncomplete ? incomplete(share) : judged(share, unready);
  return {
    ...base,
    details: [
      ...missing,
      ...reports.flatMap(withinText),
      ...(unready > 0 ? [`${count(unready, "workload", ["is", "are"])} not ready`] : []),
      ...leftOutText(share),
      ...(clusters.length === 1 ? reports.flatMap(oldest) : []),
    ].map(capitalized),
  };
}

/** Nothing about an incomplete report may look as if all were well. */
function incomplete(share: Share): Omit<Headline, "details"> {
  const text =
    share.behind > 0
      ? `${behindText(share)}, and this report is incomplete`
      : "This report is incomplete";
  return { tone: "incomplete", text };
}

function judged(share: Share, unready: number): Omit<Headline, "details"> {
  const { counts, behind } = share;
  if (behind > 0) {
    const isUrgent = counts["would-lose"] !== undefined || counts.blocked !== undefined;
    return { tone: isUrgent ? "bad" : "warning", text: behindText(share) };
  }
  if (totalOf(share) === 0) {
    return { tone: "neutral", text: "No workload in scope has a sidecar, or should have one" };
  }
  if (share.judged === 0) {
    return { tone: "neutral", text: "No workload in scope is judged" };
  }
  const isAll = share.judged === totalOf(share);
  const text = `Every ${isAll ? "sidecar in scope" : "judged sidecar"} is on target`;
  return { tone: unready > 0 ? "warning" : "good", text };
}

function behindText({ behind, judged: all }: Share): string {
  return `${behind} of ${count(all, "workload", ["is", "are"])} not on target`;
}

function unreadyOf({ kind, workloads }: Report) {
  return kind === "VerifyReport" ? workloads.filter(isUnready) : [];
}

/** Names what prevents a statement about everything in scope. */
function missingTexts(
  reports: readonly Report[],
  errors: number,
  clusters: number,
  { counts: { unknown = 0 } }: Share,
): readonly string[] {
  const gaps = reports.reduce((sum, report) => sum + report.gaps.length, 0);
  return [
    ...(errors > 0 ? [`${errors} of ${count(clusters, "cluster")} could not be read`] : []),
    ...(gaps > 0
      ? [`${count(gaps, "gap")}: more workloads may be outdated than this report shows`]
      : []),
    ...(unknown > 0 ? [`the verdict on ${count(unknown, "workload")} is unknown`] : []),
  ];
}

function withinText(report: Report): readonly string[] {
  const within = withinEntries(report).length;
  if (within === 0) return [];
  const [limit, workloads] = [limitText(report.maxAge ?? ""), count(within, "outdated workload")];
  return [`${workloads} ${limit}, which the exit code ignores`];
}

function oldest(report: Report): readonly string[] {
  const text = oldestText(report);
  return text === "" ? [] : [`the ${text}`];
}

function leftOutText({ counts }: Share): readonly string[] {
  const parts = (["pinned", "excluded", "managed"] as const).flatMap((verdict) =>
    counts[verdict] === undefined ? [] : [`${counts[verdict]} ${verdict}`],
  );
  return parts.length === 0 ? [] : [`not judged: ${parts.join(", ")}`];
}

/** Returns the headline about a restart or a move. */
export function restartHeadline(report: RestartReport): Headline {
  const own = runHeadline(report);
  // The workloads of the report are those that have not rolled yet.
  if (unfinishedOf(report) !== undefined) return { ...own, details: outcomeText(report) };
  const after = sidecarHeadline([{ name: report.cluster.context, report }]);
  // The state of the sidecars before a restart says nothing about the plan.
  const tone =
    report.dryRun !== null && after.tone !== "incomplete" ? own.tone : worse(own.tone, after.tone);
  const details =
    report.dryRun !== null ? after.details : [...outcomeText(report), after.text, ...after.details];
  return { tone, text: own.text, details };
}

function worse(one: Tone, other: Tone): Tone {
  return TONES[Math.max(TONES.indexOf(one), TONES.indexOf(other))] ?? "incomplete";
}

/** Counts the workloads that were not restarted: `1 failed, 2 not-started`. */
function outcomeText({ results }: RestartReport): readonly string[] {
  const outcomes = undoneResults(results).map(({ outcome }) => outcome);
  const parts = [...new Set(outcomes)].map(
    (outcome) => `${outcomes.filter((each) => each === outcome).length} ${outcome}`,
  );
  return parts.length === 0 ? [] : [parts.join(", ")];
}

function runHeadline(report: RestartReport): Omit<Headline, "details"> {
  const { results, steps, dryRun, exitReasons, move } = report;
  if (dryRun !== null) {
    const text =
      steps.length === 0 ? "Nothing to restart" : `${count(steps.length, "workload")} to restart`;
    return {
      tone: "neutral",
      text: move === undefined ? text : `${text}, on the way to ${move.to}`,
    };
  }
  const { restarted, waited } = doneResults(results);
  const done = restarted.length + waited.length;
  const left = unfinishedOf(report);
  if (left !== undefined) {
    return {
      tone: "incomplete",
      text: `In progress: ${done} of ${done + left} workloads are done`,
    };
  }
  const undone = undoneResults(results);
  if (undone.length > 0) {
    const failed = undone.filter(({ outcome }) => outcome === "failed").length;
    const text = `${done} of ${count(done + undone.length, "workload", ["was", "were"])} restarted`;
    return { tone: failed > 0 ? "bad" : "warning", text };
  }
  const tone = exitReasons.length === 0 ? "good" : "warning";
  if (done === 0) return { tone, text: "Nothing was restarted" };
  return { tone, text: `${count(done, "workload", ["was", "were"])} restarted` };
}

/** Returns the number of workloads that a run has not finished yet; `undefined` if the run has ended. */
export function unfinishedOf({ exitReasons }: Pick<Report, "exitReasons">): number | undefined {
  const [, number] = /^unfinished:(\d+)$/m.exec(exitReasons.join("\n")) ?? [];
  return number === undefined ? undefined : Number(number);
}
