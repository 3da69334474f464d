import { markdownTable } from "markdown-table";
import {
  CHANGE_HEAD,
  DOWNGRADE,
  downgradeText,
  outdatedCells,
  outdatedGroups,
  stepCells,
} from "./changes.ts";
import { isRestartable, needsPerson } from "./entry-status.ts";
import type {
  AnyDocument,
  DocumentHead,
  Explanation,
  GapEntry,
  Report,
  ResultEntry,
  RestartReport,
  RevisionsReport,
  StepEntry,
} from "./document.ts";
import { imageTexts } from "./image-text.ts";
import { withoutFailures, doneResults, undoneResults } from "./result-groups.ts";
import { personGroups, personTitle } from "./person-groups.ts";
import { plain, plainCommand } from "./plain.ts";
import { stepParts } from "./step-parts.ts";
import { workloadPath } from "./events.ts";
import { count } from "../wording.ts";
import { workloadName } from "./sections.ts";

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
    default:
      return [
        `# Istio sidecars of ${escaped(document.cluster.context)}`,
        facts(document, [["Result", conclusion(document)]]),
        ...remainder(document),
      ];
  }
}

function restart(report: RestartReport): readonly string[] {
  const { user, reason, plan, dryRun, results, steps } = report;
  const undone = undoneResults(results);
  const { restarted, waited } = doneResults(results);
  const finished = results.map((result) => result.finishedAt).sort();
  const started = results.flatMap((result) => result.startedAt ?? []).sort();
  return [
    `# ${dryRun === null ? "Restart" : "Plan to restart"} for new Istio sidecars: ${escaped(report.cluster.context)}`,
    facts(report, [
      ["Scope", scopeText(report)],
      ["Who", user === null ? "unknown" : escaped(user)],
      ["Why", reason === null ? "" : escaped(reason)],
      ["Plan", code(plan)],
      ["First restart", started[0] ?? ""],
      ["Last result", finished.at(-1) ?? ""],
      ["Result", conclusion(report)],
    ]),
    section(`Not done: ${count(undone.length, "workload")}`, RESULT_HEAD, undone.map(resultRow)),
    section(
      `Restarted: ${count(restarted.length, "workload")}`,
      RESULT_HEAD,
      restarted.map(resultRow),
    ),
    section(`Waited for: ${count(waited.length, "workload")}`, RESULT_HEAD, waited.map(resultRow)),
    dryRun === null
      ? ""
      : section(
          withDowngrades(`Plan: ${count(steps.length, "workload")}, in this order`, steps),
          CHANGE_HEAD,
          steps.map(stepRow),
        ),
    ...remainder(report),
  ];
}

const RESULT_HEAD = [...CHANGE_HEAD, "Started", "Finished", "Outcome"];

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
  const { outcome, message, nextStep } = result;
  const next = nextStep === "" ? "" : `<br>${stepText(nextStep)}`;
  return [
    ...stepRow(result),
    result.startedAt ?? "",
    result.finishedAt,
    `${outcome}: ${escaped(message)}${next}`,
  ];
}

/** Returns the end of every report: outdated workloads, workloads for a person, gaps and notes. */
function remainder(report: Report): readonly string[] {
  const planned = report.kind === "RestartReport" && report.dryRun !== null;
  const outdated = planned ? [] : report.workloads.filter(isRestartable);
  const results = report.kind === "RestartReport" ? report.results : [];
  const forPerson = withoutFailures(report.workloads.filter(needsPerson), results);
  return [
    section(
      withDowngrades(`Outdated: ${count(outdated.length, "workload")}`, outdated),
      CHANGE_HEAD,
      outdatedGroups(outdated).map((group) => changeRow(outdatedCells(group, imageText))),
    ),
    section(
      `${personTitle(report)}: ${count(forPerson.length, "workload")}`,
      PERSON_HEAD,
      personGroups(forPerson).flatMap(({ title, causes }) =>
        causes.map((cause) => [
          title,
          escaped(cause.entries.map(workloadPath).join(", ")),
          escaped(cause.reason),
          cause.nextSteps.map(stepText).join("<br>"),
        ]),
      ),
    ),
    gaps(report.gaps),
    section(
      "Notes",
      ["Note"],
      report.notes.map((note) => [escaped(note)]),
    ),
    report.nextStep === "" ? "" : `Next: ${code(report.nextStep)}`,
  ];
}

function scopeText({ scope }: Report): string {
  const { namespaces, workloads, selector, revision, exclude, include } = scope;
  return [
    namespaces === null ? "all namespaces" : namespaces.map(code).join(", "),
    ...workloads.map(code),
    ...(selector === null ? [] : [code(`--selector ${selector}`)]),
    ...(revision === null ? [] : [code(`--revision ${revision}`)]),
    ...exclude.map(code),
    ...include.map((what) => code(`--include ${what}`)),
  ].join("; ");
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
        ready === null ? "unknown" : ready ? "yes" : "no",
        String(pods.sidecars),
        String(pods.gateways),
        String(pods.terminating),
      ]),
    ),
    section("What uses them", ["Revision", "Used by", "Names", "What to do"], held),
    gaps(document.gaps),
  ];
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

function conclusion({ exitCode, exitReasons, summary }: Report): string {
  const counts = Object.entries(summary.byVerdict).map(
    ([verdict, number]) => `${number} ${verdict}`,
  );
  const reasons = exitReasons.length === 0 ? "" : ` (${exitReasons.join(", ")})`;
  return `exit ${exitCode}${reasons}; ${[...counts, count(summary.pods, "pod")].join(", ")}`;
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

function section(title: string, head: readonly string[], rows: Rows): string {
  if (rows.length === 0) return "";
  return `## ${title}\n\n${table([head, ...rows])}`;
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
