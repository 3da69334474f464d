import { count } from "../wording.ts";
import { oldestText } from "./age-text.ts";
import type { CheckReport, Report, RestartReport, ResultEntry } from "./document.ts";
import type { Table } from "./columns.ts";
import { driftGroups } from "./drift-groups.ts";
import { isUnready, needsPerson } from "./entry-status.ts";
import { unreadyReasons, verdictReasons } from "./exit-reasons.ts";
import { groupLines } from "./group-table.ts";
import { labelledPath } from "./label-columns.ts";
import { leaseText } from "./leases.ts";
import { personGroups, personTitle } from "./person-groups.ts";
import { plain, plainCommand } from "./plain.ts";
import { undoneResults, withinEntries, withoutUndone } from "./result-groups.ts";
import {
  gapLines,
  indented,
  joinSections,
  type Lines,
  noteLines,
  nextSection,
  nextStepLine,
  titled,
  workloadName,
  wrapped,
} from "./sections.ts";
import type { Style } from "./style.ts";
import {
  doneTables,
  driftTable,
  namespacesTable,
  outdatedTable,
  planTable,
  renderRows,
  renderTable,
  resultsTable,
  sinceTables,
  targetsTable,
  unreadyTable,
  wavesTable,
  withinTable,
  workloadsTable,
} from "./tables.ts";
import { warningGroups } from "./warning-groups.ts";
import { waveProblems } from "./wave-rows.ts";

/**
 * Renders a report in the order of a reader's questions: the targets, the results, the outdated
 * workloads, the workloads that cannot be restarted and why, and the next step. Without headers, only
 * the rows of its tables remain.
 */
export function renderReport(report: Report, style: Style, wide: boolean): Iterable<string> {
  if (!style.headers) return rowLines(report, style, wide);
  const isVerify = report.kind === "VerifyReport";
  return joinSections([
    renderTable(targetsTable(report, style, wide), style),
    ...(report.kind === "CheckReport" ? sinceLines(report, style, wide) : []),
    ...(report.kind === "RestartReport" ? [namespaceLines(report, style)] : []),
    ...(report.kind === "RestartReport" ? restarts(report, style, wide) : []),
    groupLines(report, style, wide),
    renderTable(outdatedTable(report, style, wide), style),
    renderTable(withinTable(report, style, wide), style),
    renderTable(driftTable(report, style, wide), style),
    personSection(report, style),
    ...(isVerify ? [unreadyLines(report, style)] : []),
    gapLines(report, style),
    warnings(report, style, wide),
    noteLines(report, style),
    ...(report.kind === "RestartReport" ? [leaseLines(report, style)] : []),
    ...(wide ? [renderTable(workloadsTable(report, style), style)] : []),
    conclusion(report, style),
    nextSection(report, style),
    ...(report.kind === "RestartReport" ? [wayBackLines(report, style)] : []),
  ]);
}

/**
 * Returns rows that a script splits at spaces: with `--output wide`, one for each workload; with
 * `--group-by`, one for each group.
 */
function* rowLines(report: Report, style: Style, wide: boolean): Generator<string> {
  if (report.groups !== undefined && !wide) {
    for (const row of groupLines(report, style, wide)) yield `${row}\n`;
    return;
  }
  const tables = wide ? [workloadsTable(report, style)] : changeTables(report, style);
  for (const table of tables) {
    for (const row of renderRows(table, style)) yield `${row}\n`;
  }
}

function changeTables(report: Report, style: Style): readonly Table[] {
  const outdated = outdatedTable(report, style, false);
  switch (report.kind) {
    case "CheckReport":
      return [outdated];
    case "VerifyReport":
      return [outdated, unreadyTable(report, style)];
    case "RestartReport":
      return [
        report.dryRun === null ? resultsTable(report, style) : planTable(report, style, false),
      ];
  }
}

/** Returns the comparison with an earlier report, also if nothing changed. */
function sinceLines(report: CheckReport, style: Style, wide: boolean): readonly Lines[] {
  const { since } = report;
  if (since === undefined) return [];
  if (since.new.length + since.gone.length === 0) {
    return [[style.bold(`NOTHING NEW SINCE ${plain(since.generatedAt)}`)]];
  }
  return sinceTables(report, style, wide).map((table) => renderTable(table, style));
}

function personSection(report: Report, style: Style): Lines {
  const results = report.kind === "RestartReport" ? report.results : [];
  const entries = withoutUndone(report.workloads.filter(needsPerson), results);
  const keys = report.labelColumns;
  const lines = personGroups(entries).flatMap(({ title, size, causes }) => [
    style.bad(`${title.toUpperCase()} (${size})`),
    ...causes.flatMap((cause) => [
      ...indented(cause.reason, style, 2),
      ...indented(cause.entries.map((entry) => labelledPath(entry, keys)).join(", "), style),
      ...cause.nextSteps.flatMap((step) => nextStepLine(step, style)),
    ]),
  ]);
  return titled(
    style.bad(`${personTitle(report).toUpperCase()}: ${count(entries.length, "workload")}`),
    lines,
  );
}

function warnings({ workloads }: Report, style: Style, wide: boolean): Lines {
  const groups = warningGroups(workloads, wide ? Infinity : undefined);
  const blocks = groups.flatMap(({ message, workloads: places }) => [
    wrapped(plain(message), style),
    ...indented(places, style),
  ]);
  return titled(style.warn("WARNINGS"), blocks);
}

function restarts(report: RestartReport, style: Style, wide: boolean): readonly Lines[] {
  const left = undoneLines(undoneResults(report.results), style, wide);
  const waves = renderTable(wavesTable(report, style, wide), style);
  if (report.dryRun !== null) return [planned(report, style, wide), waves, left];
  const done = doneTables(report, style, wide).map((table) => renderTable(table, style));
  return [waves, problemLines(report, style, wide), left, ...done];
}

/** The last lines of the output of a gate that are shown, unless all are wanted. */
const MOST_OUTPUT = 10;

function problemLines(report: RestartReport, style: Style, wide: boolean): Lines {
  const problems = waveProblems(report);
  const blocks = problems.flatMap(({ text, output, nextStep }) => [
    wrapped(plain(text), style),
    ...(wide ? output : output.slice(-MOST_OUTPUT)).flatMap((line) => indented(line, style)),
    ...nextStepLine(nextStep, style),
  ]);
  return titled(style.bad("STOPPED BETWEEN WAVES"), blocks);
}

function* planned(report: RestartReport, style: Style, wide: boolean): Generator<string> {
  if (report.steps.length === 0) return;
  yield* renderTable(planTable(report, style, wide), style);
  yield style.dim(report.plan);
}

/** The number of workloads with the same reason that are named, unless all are wanted. */
const MOST_NAMED = 3;

function undoneLines(results: readonly ResultEntry[], style: Style, wide: boolean): Lines {
  const blocks = withSameReason(results).flatMap((group) => {
    const [{ message, nextStep }] = group;
    // A line that counts a single workload is as long as its name.
    const named = wide || group.length <= MOST_NAMED + 1 ? group : group.slice(0, MOST_NAMED);
    const hidden = group.length - named.length;
    return [
      ...named.map((result) => undoneRow(result, style)),
      ...(hidden > 0
        ? [`and ${hidden} more   ${style.bad(group[0].outcome)}   ${group[0].code}`]
        : []),
      ...indented(message, style),
      ...nextStepLine(nextStep, style),
    ];
  });
  return titled(style.bad(`NOT DONE: ${count(results.length, "workload")}`), blocks);
}

function undoneRow(result: ResultEntry, style: Style): string {
  const { namespace, outcome, code } = result;
  return `${plain(namespace)}   ${workloadName(result)}   ${style.bad(outcome)}   ${code}`;
}

/** Groups results that follow each other, and that ended for the same reason. */
function withSameReason(results: readonly ResultEntry[]): readonly SameReason[] {
  const groups: [ResultEntry, ...ResultEntry[]][] = [];
  const keyOf = ({ outcome, code, message, nextStep }: ResultEntry) =>
    JSON.stringify([outcome, code, message, nextStep]);
  for (const result of results) {
    const last = groups.at(-1);
    if (last !== undefined && keyOf(last[0]) === keyOf(result)) last.push(result);
    else groups.push([result]);
  }
  return groups;
}

type SameReason = readonly [ResultEntry, ...ResultEntry[]];

/** Returns the table of workloads that are not ready, with the reason below each. */
function unreadyLines(report: Report, style: Style): Lines {
  const entries = report.workloads.filter(isUnready);
  const table = unreadyTable(report, style);
  const [head = "", ...rows] = renderRows(table, style);
  const lines = rows.flatMap((row, index) => {
    const message = entries[index]?.unready?.message;
    return message === undefined ? [row] : [row, ...indented(message, style)];
  });
  return titled(wrapped(table.title, style), lines.length === 0 ? [] : [head, ...lines]);
}

function conclusion(report: Report, style: Style): Lines {
  const { summary } = report;
  const counts = Object.entries(summary.byVerdict).map(
    ([verdict, number]) => `${number} ${verdict}`,
  );
  const all = `${count(summary.workloads, "workload")}, ${count(summary.pods, "pod")}`;
  if (summary.workloads === 0) {
    return report.complete ? ["No workload in scope has a sidecar, or would get one."] : [];
  }
  const age = oldestText(report);
  const oldest = age === "" ? "" : ` The ${age}.`;
  const line = `${all}: ${counts.join(", ")}.${oldest}`;
  const lines = (text: string) => [wrapped(text, style)];
  if (report.kind === "RestartReport" && report.dryRun !== null) {
    return lines(report.steps.length === 0 ? `The plan is empty: ${line}` : line);
  }
  const isClean =
    report.exitCode === 0 &&
    !hasFindings(report) &&
    // A restart that would still change something may be left to do.
    (report.kind !== "CheckReport" || driftGroups(report).length === 0);
  return lines(isClean ? style.good(`${CLEAN[report.kind]} ${line}`) : line);
}

/** True if something is left, even if a flag such as `--fail-on` keeps it from the exit code. */
function hasFindings(report: Report): boolean {
  const { kind, workloads, gaps, exitReasons } = report;
  const reasons = [
    ...verdictReasons(workloads, gaps.length, false),
    ...(kind === "VerifyReport" ? unreadyReasons(workloads) : []),
  ];
  return reasons.length > 0 || exitReasons.length > 0 || withinEntries(report).length > 0;
}

const CLEAN: Readonly<Record<Report["kind"], string>> = {
  CheckReport: "Nothing is left to do:",
  VerifyReport: "Verified, all on target and ready:",
  RestartReport: "Verified from a fresh read:",
};

/** Returns the table of the namespaces of a move, with what is against each below it. */
function namespaceLines(report: RestartReport, style: Style): Lines {
  const table = namespacesTable(report, style);
  const [head = "", ...rows] = renderRows(table, style);
  const lines = rows.flatMap((row, index) => {
    const { message = "", nextStep = "" } = report.namespaces?.[index] ?? {};
    return [
      row,
      ...(message === "" ? [] : indented(message, style)),
      ...nextStepLine(nextStep, style),
    ];
  });
  return titled(wrapped(table.title, style), lines.length === 0 ? [] : [head, ...lines]);
}

function leaseLines({ lease }: RestartReport, style: Style): Lines {
  if (lease === undefined) return [];
  const line = wrapped(`LEASE ${plain(leaseText(lease))}`, style);
  return [lease.outcome === "taken" ? style.dim(line) : style.bad(line)];
}

function wayBackLines({ move, nextStep }: RestartReport, style: Style): Lines {
  const back = move?.wayBack ?? "";
  return back === "" || back === nextStep
    ? []
    : [style.bold("WAY BACK"), `  ${plainCommand(back)}`];
}
