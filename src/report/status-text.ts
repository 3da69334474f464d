import type { Phase } from "../mesh/upgrade-phase.ts";
import { count } from "../wording.ts";
import { columns, naturalWidth } from "./columns.ts";
import type { StatusNamespaceEntry, StatusReport, StatusStepEntry } from "./document.ts";
import { groupLines } from "./group-table.ts";
import { labelCells, labelHead } from "./label-columns.ts";
import { plain, plainCommand } from "./plain.ts";
import {
  gapLines,
  indented,
  joinSections,
  type Lines,
  nextSection,
  nextStepLine,
  noteLines,
  titled,
  wrapped,
} from "./sections.ts";
import type { Style } from "./style.ts";

/** Renders the phase, the checklist, the namespaces and the next step. */
export function renderStatus(report: StatusReport, style: Style, wide: boolean): Iterable<string> {
  const groups = groupLines(report, style, wide);
  const isGrouped = report.groups !== undefined && !wide;
  if (!style.headers) {
    return joinSections([isGrouped ? groups : namespaceTable(report, style, wide)]);
  }
  return joinSections([
    [wrapped(phaseLine(report, style), style)],
    steps(report, style, wide),
    groups,
    isGrouped ? [] : namespaces(report, style, wide),
    gapLines(report, style),
    noteLines(report, style),
    nextSection(report, style),
  ]);
}

/** The meaning of each phase, as one clause. */
export const PHASE_TEXTS: Readonly<Record<Phase, string>> = {
  stranded: "pods or their labels belong to a revision that is not installed",
  planning: "the revision is not installed yet",
  starting: "its control plane is not ready yet",
  ready: "both revisions are installed, and nothing was moved",
  moving: "labels, tags or pods belong to both revisions",
  moved: "nothing uses the revision that is left",
  patch: "sidecars lag, or need a person",
  leftovers: "something of another revision is left",
  current: "nothing is left to do",
};

function phaseLine({ phase, from, to, targets }: StatusReport, style: Style): string {
  const installed = targets.map(({ revision }) => revision);
  const way = from !== null && to !== null ? `${from} -> ${to}` : (to ?? installed.join(", "));
  const name = plain(way) === "" ? "" : `${plain(way)}: `;
  if (phase === null) {
    return style.bad(`${name}the phase is unknown, because not everything could be read`);
  }
  const text = `${name}${phase} (${PHASE_TEXTS[phase]})`;
  if (phase === "current") return style.good(text);
  return phase === "stranded" ? style.bad(text) : style.bold(text);
}

const MARKS: Readonly<Record<StatusStepEntry["state"], string>> = {
  done: "[x]",
  current: "[>]",
  open: "[ ]",
};

/** The columns of a mark and the space after it. */
const MARK_WIDTH = 4;

function steps(report: StatusReport, style: Style, wide: boolean): Lines {
  // Without a next step of the report, those of the steps are all there is.
  const isDetailed = wide || report.nextStep === "";
  return titled(
    style.bold("STEPS"),
    report.steps.flatMap(({ state, message, nextStep }) => {
      const [first = "", ...others] = indented(message, style, MARK_WIDTH);
      const shown = isDetailed && state !== "done" ? nextStepLine(nextStep, style) : [];
      return [`${MARKS[state]} ${first.trimStart()}`, ...others, ...shown];
    }),
  );
}

/** The number of namespaces that fit on a screen, besides the rest of the report. */
const MOST_ROWS = 10;

function* namespaces(report: StatusReport, style: Style, wide: boolean): Generator<string> {
  const all = report.namespaces.length;
  if (all === 0) return;
  yield style.bold(`NAMESPACES: ${all}`);
  yield* namespaceTable(report, style, wide);
  const hidden = all - shownRows(report, style, wide).length;
  if (hidden > 0) yield `and ${count(hidden, "more namespace")}: -o wide`;
}

/** Namespaces with something left to do come first, if not all fit. */
function shownRows(
  { namespaces: all }: StatusReport,
  style: Style,
  wide: boolean,
): readonly StatusNamespaceEntry[] {
  if (wide || !style.headers || all.length <= MOST_ROWS) return all;
  const isOpen = ({ nextStep }: StatusNamespaceEntry) => nextStep !== "";
  const shown = [...all.filter(isOpen), ...all.filter((entry) => !isOpen(entry))];
  return shown.slice(0, MOST_ROWS);
}

function namespaceTable(report: StatusReport, style: Style, wide: boolean): Lines {
  const rows = shownRows(report, style, wide);
  const keys = report.labelColumns;
  const revisions = [...new Set(rows.flatMap(({ pods }) => Object.keys(pods)))].sort();
  const targets = report.targets.map(({ revision }) => revision);
  const shown = [...targets, ...revisions.filter((name) => !targets.includes(name))];
  const numbers: readonly (readonly [string, (entry: StatusNamespaceEntry) => number])[] = [
    ["OUTDATED", ({ outdated }) => outdated],
    ["BY HAND", ({ byHand }) => byHand],
    ["LOSE", ({ wouldLose }) => wouldLose],
    ["BLOCKED", ({ blocked }) => blocked],
  ];
  // A column without a number says nothing, but scripts count columns.
  const kept = numbers.filter(
    ([title, of]) => title === "OUTDATED" || !style.headers || rows.some((row) => of(row) > 0),
  );
  const head = [
    "NAMESPACE",
    ...labelHead(keys),
    "LEADS TO",
    ...shown.map((name) => plain(name).toUpperCase()),
    ...kept.map(([title]) => title),
    "NEXT",
  ];
  const cells = rows.map((row) => [
    plain(row.name),
    ...labelCells(row, keys),
    leadText(row),
    ...shown.map((name) => String(Object.hasOwn(row.pods, name) ? row.pods[name] : 0)),
    ...kept.map(([, of]) => String(of(row))),
    wide || !style.headers ? plainCommand(row.nextStep) || "-" : wordOf(row.nextStep),
  ]);
  // The last column is the one that `--output wide` shows better.
  const isTooWide =
    style.width !== undefined && (naturalWidth(head, cells, style) ?? 0) > style.width && !wide;
  const without = (row: readonly string[]) => (isTooWide ? row.slice(0, -1) : row);
  // A wide table is not cut: its commands have to be copied.
  const free = wide ? { ...style, width: undefined } : style;
  return columns(without(head), cells.map(without), free);
}

/** Formats the pods of a namespace by revision: `asm-1-27: 3, asm-1-28: 1`. */
export function podsText({ pods }: Pick<StatusNamespaceEntry, "pods">): string {
  return Object.entries(pods)
    .map(([revision, number]) => `${revision}: ${number}`)
    .join(", ");
}

function leadText({ leadsTo, tag, labels }: StatusNamespaceEntry): string {
  const label = labels["istio.io/rev"];
  if (leadsTo === null) return label === undefined ? "-" : plain(`none (${label})`);
  return plain(tag === null || tag === leadsTo ? leadsTo : `${leadsTo} (${tag})`);
}

/** One word for a next step: the verb of its command. */
function wordOf(nextStep: string): string {
  if (nextStep === "") return "-";
  const command = plainCommand(nextStep);
  const [, verb = ""] =
    /^istio-upgrade (\w+)|^istioctl .*?\b(tag)\b|^kubectl .*?\b(label|patch|rollout|wait)\b/
      .exec(command)
      ?.filter((part) => part !== undefined) ?? [];
  return verb || "see wide";
}
