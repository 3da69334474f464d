import { markdownTable } from "markdown-table";
import { limitText, oldestText } from "./age-text.ts";
import {
  CHANGE_HEAD,
  DOWNGRADE,
  downgradeText,
  OUTDATED_HEAD,
  outdatedCells,
  outdatedGroups,
  stepCells,
} from "./changes.ts";
import { driftGroups, driftingText, driftText, driftTitle, exampleText } from "./drift-groups.ts";
import { isUnready, needsPerson, readiness } from "./entry-status.ts";
import type {
  AnyDocument,
  CheckReport,
  DocumentHead,
  Explanation,
  FindingEntry,
  Fleet,
  GapEntry,
  LabelFields,
  Report,
  ResultEntry,
  RestartReport,
  RevisionsReport,
  StatusReport,
  StepEntry,
  WorkloadEntry,
} from "./document.ts";
import { groupRows, shownGroups } from "./group-rows.ts";
import { clusterCells } from "./fleet-cells.ts";
import { imageTexts } from "./image-text.ts";
import { labelCells, labelledPath } from "./label-columns.ts";
import { leaseText } from "./leases.ts";
import { NAMESPACE_HEAD, namespaceCells } from "./namespace-cells.ts";
import {
  doneResults,
  outdatedEntries,
  undoneResults,
  withinEntries,
  withoutUndone,
} from "./result-groups.ts";
import { personGroups, personTitle } from "./person-groups.ts";
import { plain, plainCommand } from "./plain.ts";
import { scopeParts } from "./scope-parts.ts";
import { PHASE_TEXTS, podsText } from "./status-text.ts";
import { stepParts } from "./step-parts.ts";
import { capitalized, count } from "../wording.ts";
import { workloadName } from "./sections.ts";
import { warningGroups } from "./warning-groups.ts";
import { checksText, WAVE_HEAD, waveProblems, waveRows } from "./wave-rows.ts";

/** Renders a document for a change ticket, a pull request or the summary page of a CI run. */
export function renderMarkdown(document: AnyDocument): string {
  const blocks = blocksOf(document).filter((block) => block !== "");
  return `${blocks.join("\n\n")}\n`;
}

type Rows = readonly (readonly string[])[];

function blocksOf(document: AnyDocument): readonly string[] {
  switch (document.kind) {
    case "Explanation":
      return explanation(document);
    case "RevisionsReport":
      return revisions(document);
    case "RestartReport":
      return restart(document);
    case "StatusReport":
      return status(document);
    case "FleetReport":
      return fleet(document);
    default:
      return [
        `# Istio sidecars of ${escaped(document.cluster.context)}`,
        facts(document, [["Result", conclusion(document)]]),
        targets(document),
        ...(document.kind === "CheckReport" ? since(document) : []),
        groupSection(document),
        ...remainder(document),
      ];
  }
}

/** Returns a table of the clusters, and the report of each below a heading of its own. */
function fleet(document: Fleet): readonly string[] {
  const { command, generatedAt, version, exitCode, exitReasons, notes } = document;
  const rows: string[][] = [];
  const reports: string[] = [];
  for (const cluster of document.clusters) {
    const { head, cells } = clusterCells(cluster);
    rows.push(cells.map(literal));
    if (rows.length === 1) rows.unshift([...head]);
    if (cluster.kind === "Error") {
      reports.push(`## ${escaped(cluster.cluster.context ?? "unknown")}: not read`);
      reports.push(`${escaped(cluster.message)}${nextText(cluster.hint)}`);
    } else {
      reports.push(...blocksOf(cluster).map((block) => block.replace(/^#+ /, "#$&")));
    }
  }
  const [head = [], ...cells] = rows;
  const reasons = exitReasons.length === 0 ? "" : ` (${escaped(exitReasons.join(", "))})`;
  return [
    `# Istio of ${count(cells.length, "cluster")}: ${escaped(command)}`,
    table([
      ["", ""],
      ["When", generatedAt],
      ["By", `istio-upgrade ${version}`],
      ["Result", `exit ${exitCode}${reasons}`],
    ]),
    section("Clusters", head, cells),
    section(
      "Notes",
      ["Note"],
      notes.map((note) => [escaped(note)]),
    ),
    ...reports,
  ];
}

function nextText(step: string): string {
  return step === "" ? "" : `\n\nNext: ${stepText(step)}`;
}

function restart(report: RestartReport): readonly string[] {
  const { user, reason, plan, lease, dryRun, results, steps, labelColumns: keys } = report;
  const labels = keys?.map(escaped) ?? [];
  const undone = undoneResults(results);
  const { restarted, replaced, waited } = doneResults(results);
  const finished = results.map((result) => result.finishedAt).sort();
  const started = results.flatMap((result) => result.startedAt ?? []).sort();
  return [
    `# ${titleOf(report)}: ${escaped(report.cluster.context)}`,
    facts(report, [
      ["Scope", scopeText(report)],
      ["Who", user === null ? "unknown" : escaped(user)],
      ["Why", reason === null ? "" : escaped(reason)],
      ["Plan", code(plan)],
      ["Lease", lease === undefined ? "" : escaped(leaseText(lease))],
      ["First restart", started[0] ?? ""],
      ["Last result", finished.at(-1) ?? ""],
      ["Result", conclusion(report)],
    ]),
    targets(report),
    section(
      `Namespaces: ${(report.namespaces ?? []).length} to ${escaped(report.move?.to ?? "")}`,
      [...NAMESPACE_HEAD, ...labels, "Labelled", "Why"],
      (report.namespaces ?? []).map((entry) => [
        ...namespaceCells(entry).map(literal),
        ...labelRow(entry, keys),
        entry.labelledAt ?? "",
        `${escaped(entry.message)}${entry.nextStep === "" ? "" : `<br>${stepText(entry.nextStep)}`}`,
      ]),
    ),
    waves(report),
    waveStops(report),
    groupSection(report),
    resultSection("Not done", undone),
    resultSection("Restarted", restarted),
    resultSection("Replaced in place", replaced),
    resultSection("Waited for", waited),
    dryRun === null
      ? ""
      : section(
          withDowngrades(`Plan: ${count(steps.length, "workload")}, in this order`, steps),
          [...CHANGE_HEAD, ...labels],
          steps.map((step) => [...stepRow(step), ...labelRow(step, keys)]),
        ),
    ...remainder(report),
    report.move === undefined || report.move.wayBack === ""
      ? ""
      : `Way back: ${code(report.move.wayBack)}`,
  ];

  function resultSection(title: string, entries: readonly ResultEntry[]): string {
    return section(
      `${title}: ${count(entries.length, "workload")}`,
      [...CHANGE_HEAD, ...labels, ...RESULT_HEAD],
      entries.map((entry) => [...stepRow(entry), ...labelRow(entry, keys), ...resultRow(entry)]),
    );
  }
}

/** Returns the workloads that an earlier report had other verdicts on. */
function since({ since: found }: CheckReport): readonly string[] {
  if (found === undefined) return [];
  if (found.new.length + found.gone.length === 0) {
    return [`Nothing new since ${escaped(found.generatedAt)}.`];
  }
  const part = (
    what: string,
    other: string,
    entries: readonly (FindingEntry & { readonly other: string | null })[],
  ) =>
    section(
      `${what} since ${escaped(found.generatedAt)}: ${count(entries.length, "workload")}`,
      ["Namespace", "Workload", "Verdict", other],
      entries.map((entry) => [
        escaped(entry.namespace),
        escaped(workloadName(entry)),
        entry.verdict,
        entry.other ?? "",
      ]),
    );
  return [
    part(
      "New",
      "Before",
      found.new.map((entry) => ({ ...entry, other: entry.before })),
    ),
    part(
      "Gone",
      "Now",
      found.gone.map((entry) => ({ ...entry, other: entry.now })),
    ),
  ];
}

/** Returns the cells of labels. A column without any label is left out. */
function labelRow(entry: LabelFields, keys: readonly string[] | undefined): readonly string[] {
  return labelCells(entry, keys).map((cell) => (cell === "-" ? "" : literal(cell)));
}

/** Counts the workloads of each group that the user asked for, or of each namespace if they are many. */
function groupSection(report: Report | StatusReport): string {
  const shown = shownGroups(report, false);
  if (shown === undefined) return "";
  const { head, rows } = groupRows(report, shown, { all: false, titlesOf: (keys) => keys });
  return section(
    `By ${escaped(shown.by)}${report.gaps.length === 0 ? "" : ", incomplete: see Not read"}`,
    head.map(escaped),
    rows.map((row) => row.map(literal)),
  );
}

function waves(report: RestartReport): string {
  const checks = report.pace === null ? "" : checksText(report.pace);
  const title = `Waves: ${report.waves.length}${checks === "" ? "" : `, ${escaped(checks)}`}`;
  return section(
    title,
    WAVE_HEAD,
    waveRows(report, true).map((row) => row.map(literal)),
  );
}

function waveStops(report: RestartReport): string {
  return section(
    "Stopped between waves",
    ["Why", "Output", "Next step"],
    waveProblems(report).map(({ text, output, nextStep }) => [
      escaped(text),
      output.map(literal).join("<br>"),
      stepText(nextStep),
    ]),
  );
}

function titleOf({ dryRun, move }: RestartReport): string {
  if (move === undefined) {
    return `${dryRun === null ? "Restart" : "Plan to restart"} for new Istio sidecars`;
  }
  return `${dryRun === null ? "Move" : "Plan to move"} namespaces to ${escaped(move.to)}`;
}

const RESULT_HEAD = ["Started", "Finished", "Outcome"];

const imageText = imageTexts(false);

/** Formats the cells of a table of changes. */
function changeRow(cells: readonly string[]): readonly string[] {
  return cells.map((cell) => (cell === DOWNGRADE ? `**${cell}**` : literal(cell)));
}

function stepRow(entry: StepEntry | ResultEntry): readonly string[] {
  return changeRow(stepCells(entry, imageText));
}

function withDowngrades(title: string, entries: readonly Pick<StepEntry, "change">[]): string {
  const older = downgradeText(entries);
  return older === "" ? title : `${title} (${older})`;
}

function resultRow(result: ResultEntry): readonly string[] {
  const { message, nextStep } = result;
  const next = nextStep === "" ? "" : `<br>${stepText(nextStep)}`;
  return [
    result.startedAt ?? "",
    result.finishedAt,
    `${result.outcome}: ${escaped(message)}${next}`,
  ];
}

/**
 * Returns the end of every report: outdated workloads, workloads for a person or not ready, gaps and
 * notes.
 */
function remainder(report: Report): readonly string[] {
  const outdated = outdatedEntries(report);
  const within = withinEntries(report);
  const unready = report.kind === "VerifyReport" ? report.workloads.filter(isUnready) : [];
  const results = report.kind === "RestartReport" ? report.results : [];
  const forPerson = withoutUndone(report.workloads.filter(needsPerson), results);
  return [
    outdatedSection("Outdated", outdated, report.labelColumns),
    outdatedSection(capitalized(limitText(report.maxAge ?? "")), within, report.labelColumns),
    drift(report),
    section(
      `${personTitle(report)}: ${count(forPerson.length, "workload")}`,
      PERSON_HEAD,
      personGroups(forPerson).flatMap(({ title, causes }) =>
        causes.map((cause) => [
          title,
          escaped(
            cause.entries.map((entry) => labelledPath(entry, report.labelColumns)).join(", "),
          ),
          escaped(cause.reason),
          cause.nextSteps.map(stepText).join("<br>"),
        ]),
      ),
    ),
    section(
      `Not ready: ${count(unready.length, "workload")}`,
      ["Namespace", "Workload", "Ready", ...(report.labelColumns?.map(escaped) ?? []), "Why"],
      unready.map((entry) => {
        const { ready, pods } = readiness(entry);
        return [
          escaped(entry.namespace),
          escaped(workloadName(entry)),
          `${ready}/${pods}`,
          ...labelRow(entry, report.labelColumns),
          escaped(entry.unready?.message ?? ""),
        ];
      }),
    ),
    gaps(report.gaps),
    section(
      "Warnings",
      ["Warning", "Workloads"],
      warningGroups(report.workloads).map(({ message, workloads }) => [
        escaped(message),
        escaped(workloads),
      ]),
    ),
    section(
      "Notes",
      ["Note"],
      report.notes.map((note) => [stepText(note)]),
    ),
    report.nextStep === "" ? "" : `Next: ${code(report.nextStep)}`,
  ];
}

function outdatedSection(
  name: string,
  entries: readonly WorkloadEntry[],
  keys: readonly string[] = [],
): string {
  return section(
    withDowngrades(`${name}: ${count(entries.length, "workload")}`, entries),
    [...OUTDATED_HEAD, ...keys.map(escaped)],
    outdatedGroups(entries).map((group) => [
      ...changeRow(outdatedCells(group, imageText)),
      ...labelRow(group.entry, keys),
    ]),
  );
}

function drift(report: Report): string {
  const groups = driftGroups(report);
  return section(
    `${driftTitle(report)}: ${driftingText(groups)}`,
    ["What", "Path", "From", "To", "Workloads"],
    groups.map((group) => [
      group.what,
      escaped(group.path),
      escaped(group.from ?? ""),
      escaped(group.to ?? ""),
      escaped(exampleText(group)),
    ]),
  );
}

function targets({ targets: all }: Report): string {
  return section(
    "Targets",
    ["Revision", "Image", "Tags", "Ready"],
    all.map(({ revision, image, tags, ready }) => [
      escaped(revision),
      escaped(image ?? "unknown"),
      escaped(tags.join(", ")),
      readyText(ready),
    ]),
  );
}

/** Describes the scope and the consents of a restart. */
function scopeText({ scope, allowDowntime, allowRevisions }: RestartReport): string {
  const consents = [
    ...(allowDowntime ? ["--allow-downtime"] : []),
    ...allowRevisions.map((name) => `--allow-revision ${name}`),
  ];
  return [...scopeParts(scope, code), ...consents.map(code)].join("; ");
}

const PERSON_HEAD = ["What", "Workloads", "Why", "Next step"];

function explanation(document: Explanation): readonly string[] {
  const { subject, steps, verdict, reason, nextStep } = document;
  const name = `${subject.namespace}/${workloadName(subject)}`;
  return [
    `# ${escaped(name)}: ${verdict ?? "outside the mesh"}`,
    facts(document, [
      ["Why", escaped(reason)],
      ["Next step", stepText(nextStep)],
    ]),
    section(
      "How the verdict was reached",
      ["Checked", "Result", "Detail"],
      steps.map((step) => [escaped(step.subject), step.result, escaped(step.detail)]),
    ),
    section(
      "A restart would change",
      ["What", "Change"],
      (document.workload?.drift ?? []).map((entry) => [entry.what, escaped(driftText(entry))]),
    ),
    gaps(document.gaps),
  ];
}

function revisions(document: RevisionsReport): readonly string[] {
  const held = document.revisions.flatMap(({ revision, holders }) =>
    holders.map(({ kind, count: number, names, release }) => [
      escaped(revision),
      `${number} ${kind}`,
      escaped(names.join(", ")),
      stepText(release),
    ]),
  );
  return [
    `# Istio revisions of ${escaped(document.cluster.context)}`,
    facts(document, []),
    section(
      "Revisions",
      ["Revision", "Image", "Tags", "Ready", "Sidecars", "Gateways", "Terminating"],
      document.revisions.map(({ revision, image, tags, ready, pods }) => [
        escaped(revision),
        escaped(image ?? "unknown"),
        escaped(tags.join(", ")),
        readyText(ready),
        String(pods.sidecars),
        String(pods.gateways),
        String(pods.terminating),
      ]),
    ),
    section("What uses them", ["Revision", "Used by", "Names", "What to do"], held),
    gaps(document.gaps),
  ];
}

function status(document: StatusReport): readonly string[] {
  const { phase, from, to, exitCode, exitReasons, steps, namespaces, nextStep } = document;
  const keys = document.labelColumns ?? [];
  const marks = { done: "[x]", current: "[ ]", open: "[ ]" } as const;
  const reasons = exitReasons.length === 0 ? "" : ` (${exitReasons.join(", ")})`;
  return [
    `# Istio upgrade of ${escaped(document.cluster.context)}`,
    facts(document, [
      ["From", escaped(from ?? "")],
      ["To", escaped(to ?? "")],
      ["Phase", phase === null ? "unknown" : `${phase}: ${PHASE_TEXTS[phase]}`],
      ["Result", `exit ${exitCode}${reasons}`],
    ]),
    steps
      .map(({ state, message, nextStep: own }) => {
        const text = state === "current" ? `**${escaped(message)}**` : escaped(message);
        const shown = own === "" || state === "done" ? "" : `: ${stepText(own)}`;
        return `- ${marks[state]} ${text}${shown}`;
      })
      .join("\n"),
    groupSection(document),
    section(
      `Namespaces: ${namespaces.length}`,
      [
        "Namespace",
        ...keys.map(escaped),
        "Leads to",
        "Tag",
        "Pods",
        "Outdated",
        "By hand",
        "Would lose",
        "Next step",
      ],
      namespaces.map((entry) => [
        escaped(entry.name),
        ...labelRow(entry, keys),
        escaped(entry.leadsTo ?? "none"),
        escaped(entry.tag ?? ""),
        escaped(podsText(entry)),
        String(entry.outdated),
        String(entry.byHand),
        String(entry.wouldLose),
        stepText(entry.nextStep),
      ]),
    ),
    gaps(document.gaps),
    section(
      "Notes",
      ["Note"],
      document.notes.map((note) => [stepText(note)]),
    ),
    nextStep === "" ? "" : `Next: ${stepText(nextStep)}`,
  ];
}

function readyText(ready: boolean | null): string {
  if (ready === null) return "unknown";
  return ready ? "yes" : "no";
}

function facts({ cluster, generatedAt, version }: DocumentHead, more: Rows): string {
  const rows = [
    ["Cluster", `${escaped(cluster.context)} (${escaped(cluster.server)})`],
    ["When", generatedAt],
    ["By", `istio-upgrade ${version}`],
    ...more.filter(([, value]) => value !== ""),
  ];
  return table([["", ""], ...rows]);
}

function conclusion(report: Report): string {
  const { exitCode, exitReasons, summary } = report;
  const counts = Object.entries(summary.byVerdict).map(
    ([verdict, number]) => `${number} ${verdict}`,
  );
  const reasons = exitReasons.length === 0 ? "" : ` (${exitReasons.join(", ")})`;
  const age = oldestText(report);
  const oldest = age === "" ? "" : `; the ${age}`;
  return `exit ${exitCode}${reasons}; ${[...counts, count(summary.pods, "pod")].join(", ")}${oldest}`;
}

function gaps(all: readonly GapEntry[]): string {
  return section(
    `Not read: ${count(all.length, "gap")}, so this report is incomplete`,
    ["What", "Namespace", "Why", "What to do"],
    all.map(({ what, namespace, message, hint }) => [
      escaped(what),
      escaped(namespace ?? ""),
      escaped(message),
      stepText(hint),
    ]),
  );
}

/** Returns a table with its title. Columns without any text are left out, and so is an empty table. */
function section(title: string, head: readonly string[], rows: Rows): string {
  if (rows.length === 0) return "";
  const filled = head.map((_name, column) => rows.some((row) => row[column] !== ""));
  const kept = [head, ...rows].map((row) => row.filter((_cell, column) => filled[column]));
  return `## ${title}\n\n${table(kept)}`;
}

/** The widest padding, in characters. One long text must not widen every row. */
const WIDEST = 160;

function table(rows: Rows): string {
  return markdownTable(rows, { stringLength: (cell) => Math.min(cell.length, WIDEST) });
}

/** Escapes text so that Markdown shows it unchanged, in a table cell as well. */
function escaped(text: string): string {
  return literal(plain(text));
}

function literal(line: string): string {
  return line.replace(/[\\`*_[\]<>|~&]/g, "\\$&");
}

/** Formats a next step: prose as text, and commands as code. */
function stepText(text: string): string {
  return stepParts(plainCommand(text))
    .map((part) => (part.kind === "command" ? code(part.text) : literal(part.text)))
    .join("");
}

/** Formats a command. HTML is used if the command has characters that backticks cannot escape. */
function code(text: string): string {
  const line = plainCommand(text);
  return /[`\\|]/.test(line) ? `<code>${literal(line)}</code>` : `\`${line}\``;
}
