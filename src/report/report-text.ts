import { isRestartable, isUnready, needsPerson, readiness } from "./entry-status.ts";
import { count } from "../wording.ts";
import {
  CHANGE_HEAD,
  DOWNGRADE,
  downgradeText,
  outdatedCells,
  outdatedGroups,
  stepCells,
} from "./changes.ts";
import { columns, rowsOf } from "./columns.ts";
import type { Report, RestartReport, ResultEntry, WorkloadEntry } from "./document.ts";
import { workloadPath } from "./events.ts";
import { imageTexts } from "./image-text.ts";
import { withoutFailures, doneResults, undoneResults } from "./result-groups.ts";
import { personGroups, personTitle } from "./person-groups.ts";
import { plain, plainCommand } from "./plain.ts";
import {
  gapLines,
  indented,
  joinSections,
  type Lines,
  noteLines,
  nextStepLine,
  titled,
  workloadName,
} from "./sections.ts";
import type { Style } from "./style.ts";
import { warningGroups } from "./warning-groups.ts";

/**
 * Renders a report in the order of a reader's questions: the targets, the results, the outdated
 * workloads, the workloads that cannot be restarted and why, and the next step.
 */
export function renderReport(report: Report, style: Style, wide: boolean): Iterable<string> {
  return joinSections([
    targets(report, style),
    ...(report.kind === "RestartReport" ? restarts(report, style, wide) : []),
    outdated(report, style, wide),
    personSection(report, style),
    unready(report, style),
    gapLines(report, style),
    warnings(report, style),
    noteLines(report, style),
    ...(wide ? [allWorkloads(report, style)] : []),
    conclusion(report, style),
    nextLines(report, style),
  ]);
}

function targets({ targets: all }: Report, style: Style): Lines {
  const ready = { true: "yes", false: "no", null: "unknown" } as const;
  const rows = all.map((target) => [
    plain(target.revision),
    plain(target.image ?? "unknown"),
    plain(target.tags.join(",")) || "-",
    ready[`${target.ready}`],
  ]);
  return titled(
    style.bold("TARGETS"),
    columns(["REVISION", "IMAGE", "TAGS", "READY"], rows, style),
  );
}

function outdated(report: Report, style: Style, wide: boolean): Lines {
  // The plan of a dry run shows the same workloads.
  if (report.kind === "RestartReport" && report.dryRun !== null) return [];
  const entries = report.workloads.filter(isRestartable);
  const groups = outdatedGroups(entries);
  const imageText = imageTexts(wide);
  const rows = rowsOf(groups, (group) => outdatedCells(group, imageText));
  const total = groups.reduce((sum, { running }) => sum + running.pods, 0);
  const title = `OUTDATED: ${count(entries.length, "workload")}, ${count(total, "pod")}`;
  return titled(downgradeTitle(style.warn(title), entries, style), changeTable([], rows, style));
}

/** Adds the number of workloads that would get an older version to a title. */
function downgradeTitle(
  title: string,
  entries: readonly Pick<WorkloadEntry, "change">[],
  style: Style,
): string {
  const older = downgradeText(entries);
  return older === "" ? title : `${title} ${style.bad(`(${older})`)}`;
}

/** Formats a table of changes, in which downgrades are red. */
function changeTable(
  more: readonly string[],
  rows: Iterable<readonly string[]>,
  style: Style,
): Lines {
  const head = [...CHANGE_HEAD.map((title) => title.toUpperCase()), ...more];
  return columns(head, rows, style, (cell, title) =>
    title === "CHANGE" && cell === DOWNGRADE ? style.bad(cell) : cell,
  );
}

function personSection(report: Report, style: Style): Lines {
  const results = report.kind === "RestartReport" ? report.results : [];
  const entries = withoutFailures(report.workloads.filter(needsPerson), results);
  const lines = personGroups(entries).flatMap(({ title, size, causes }) => [
    style.bad(`${title.toUpperCase()} (${size})`),
    ...causes.flatMap((cause) => [
      ...indented(cause.reason, style, 2),
      ...indented(cause.entries.map(workloadPath).join(", "), style),
      ...cause.nextSteps.flatMap((step) => nextStepLine(step, style)),
    ]),
  ]);
  return titled(
    style.bad(`${personTitle(report).toUpperCase()}: ${count(entries.length, "workload")}`),
    lines,
  );
}

function unready(report: Report, style: Style): Lines {
  if (report.kind !== "VerifyReport") return [];
  const rows = report.workloads.filter(isUnready).map((entry) => {
    const { ready, pods } = readiness(entry);
    return [plain(entry.namespace), workloadName(entry), `${ready}/${pods}`];
  });
  return titled(
    style.warn(`NOT READY: ${count(rows.length, "workload")}`),
    columns(["NAMESPACE", "WORKLOAD", "READY"], rows, style),
  );
}

function warnings({ workloads }: Report, style: Style): Lines {
  const blocks = warningGroups(workloads).flatMap(({ message, workloads: places }) => [
    plain(message),
    ...indented(places, style),
  ]);
  return titled(style.warn("WARNINGS"), blocks);
}

function restarts(report: RestartReport, style: Style, wide: boolean): readonly Lines[] {
  const left = undoneLines(undoneResults(report.results), style);
  if (report.dryRun !== null) return [planned(report, style, wide), left];
  const { restarted, waited } = doneResults(report.results);
  const all = count(report.results.length, "workload");
  return [
    left,
    titled(
      style.good(`RESTARTED: ${restarted.length} of ${all}`),
      doneRows(restarted, style, wide),
    ),
    titled(style.good(`WAITED FOR: ${waited.length} of ${all}`), doneRows(waited, style, wide)),
  ];
}

function doneRows(results: readonly ResultEntry[], style: Style, wide: boolean): Lines {
  const imageText = imageTexts(wide);
  return changeTable(
    wide ? ["SECONDS"] : [],
    rowsOf(results, (result) => [
      ...stepCells(result, imageText),
      ...(wide ? [secondsOf(result)] : []),
    ]),
    style,
  );
}

function undoneLines(results: readonly ResultEntry[], style: Style): Lines {
  const blocks = results.flatMap((result, index) => {
    const { outcome, code, message, nextStep } = result;
    const line = `${plain(result.namespace)}   ${workloadName(result)}   ${style.bad(outcome)}   ${code}`;
    const after = results[index + 1];
    // A message that the next result repeats appears once, below the last of them.
    return after?.message === message && after.nextStep === nextStep
      ? [line]
      : [line, ...indented(message, style), ...nextStepLine(nextStep, style)];
  });
  return titled(style.bad(`NOT DONE: ${count(results.length, "workload")}`), blocks);
}

function planned(report: RestartReport, style: Style, wide: boolean): Lines {
  const imageText = imageTexts(wide);
  const rows = rowsOf(report.steps, (entry) => stepCells(entry, imageText));
  const isEmpty = report.steps.length === 0;
  const title = `PLAN: ${count(report.steps.length, "workload")} to restart, in this order`;
  return titled(
    downgradeTitle(style.bold(title), report.steps, style),
    isEmpty ? [] : [...changeTable([], rows, style), style.dim(report.plan)],
  );
}

function secondsOf({ startedAt, finishedAt }: ResultEntry): string {
  if (startedAt === null) return "-";
  return String(Math.round((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000));
}

function allWorkloads({ workloads }: Report, style: Style): Lines {
  const groups = workloads.flatMap((entry) =>
    (entry.running.length > 0 ? entry.running : [undefined]).map((running) => ({ entry, running })),
  );
  const rows = rowsOf(groups, ({ entry, running }) => [
    plain(entry.namespace),
    workloadName(entry),
    entry.verdict,
    plain(running?.revision ?? "-"),
    plain(running?.image ?? "-"),
    running === undefined ? "0/0" : `${running.ready}/${running.pods}`,
  ]);
  const head = ["NAMESPACE", "WORKLOAD", "VERDICT", "REVISION", "IMAGE", "READY"];
  return titled(style.bold("WORKLOADS"), columns(head, rows, style));
}

function conclusion(report: Report, style: Style): Lines {
  const { summary, exitCode } = report;
  const counts = Object.entries(summary.byVerdict).map(
    ([verdict, number]) => `${number} ${verdict}`,
  );
  const all = `${count(summary.workloads, "workload")}, ${count(summary.pods, "pod")}`;
  if (summary.workloads === 0) {
    return report.complete ? ["No workload in scope has a sidecar, or would get one."] : [];
  }
  const line = `${all}: ${counts.join(", ")}.`;
  if (report.kind === "RestartReport" && report.dryRun !== null) {
    return [report.steps.length === 0 ? `The plan is empty: ${line}` : line];
  }
  if (exitCode !== 0) return [line];
  return [style.good(`${CLEAN[report.kind]} ${line}`)];
}

const CLEAN: Readonly<Record<Report["kind"], string>> = {
  CheckReport: "Nothing is left to do:",
  VerifyReport: "Verified, all on target and ready:",
  RestartReport: "Verified from a fresh read:",
};

function nextLines({ nextStep }: Report, style: Style): Lines {
  return nextStep === "" ? [] : [style.bold("NEXT"), `  ${plainCommand(nextStep)}`];
}
