import { count } from "../wording.ts";
import { OUTDATED_HEAD, outdatedCells, outdatedGroups } from "./changes.ts";
import { columns, naturalWidth } from "./columns.ts";
import type {
  AnyDocument,
  ClusterDocument,
  ErrorDocument,
  Fleet,
  GapEntry,
  GroupEntry,
  Report,
  StatusReport,
} from "./document.ts";
import { isUnready, needsPerson, readiness } from "./entry-status.ts";
import { workloadPath } from "./events.ts";
import { clusterCells, type ClusterCells } from "./fleet-cells.ts";
import { groupSection } from "./group-table.ts";
import { imageTexts } from "./image-text.ts";
import { personGroups } from "./person-groups.ts";
import { plain, plainCommand } from "./plain.ts";
import { outdatedEntries } from "./result-groups.ts";
import { revisionCells, revisionHead } from "./revisions-text.ts";
import {
  indented,
  joinSections,
  type Lines,
  nextStepLine,
  titled,
  workloadName,
  wrapped,
} from "./sections.ts";
import type { Style } from "./style.ts";
import { mergeGroups, ownGroup } from "./workload-groups.ts";

type RenderText = (document: AnyDocument, style: Style, wide: boolean) => Iterable<string>;

/**
 * Renders a row for each cluster, and then what a person has to know about all of them. With `wide`, the
 * whole report of each cluster follows. Without headers, only rows remain: one for each cluster, or with
 * `wide` those of its report.
 *
 * @param renderText renders the report of one cluster.
 */
export function renderFleet(
  fleet: Fleet,
  style: Style,
  wide: boolean,
  renderText: RenderText,
): Iterable<string> {
  if (!style.headers && wide) return prefixedRows(fleet, style, renderText);
  const seen = seenClusters(fleet);
  if (!style.headers) return joinSections([clusterTable(seen, style)]);
  const sections = [
    titled(wrapped(style.bold(titleOf(fleet)), style), clusterTable(seen, style)),
    unread(seen, style),
    gaps(seen, style),
    teams(seen, fleet, style),
    ...(wide
      ? []
      : [revisions(seen, style), outdated(seen, style), person(seen, style), unready(seen, style)]),
    notes(fleet, style),
    conclusion(fleet, style),
    wide ? [] : next(seen, style),
  ];
  return wide ? withReports(sections, fleet, style, renderText) : joinSections(sections);
}

/** The number of outdated workloads, or of those for a person, that are shown one by one. */
const MOST_ROWS = 20;

/** The part of a cluster that the text needs, so that one document at a time is in memory. */
interface SeenCluster extends ClusterCells {
  readonly name: string;
  readonly error: ErrorDocument | undefined;
  readonly gaps: readonly GapEntry[];
  /** The value of `--group-by`; `undefined` without it. */
  readonly groupBy: string | undefined;
  readonly byGroup: readonly GroupEntry[];
  readonly outdated: number;
  /** At most one row more than are shown. */
  readonly outdatedRows: readonly (readonly string[])[];
  readonly groups: ReturnType<typeof personGroups>;
  readonly forPerson: number;
  readonly unreadyRows: readonly (readonly string[])[];
  readonly revisionRows: readonly (readonly string[])[];
  readonly nextStep: string;
}

function seenClusters({ clusters }: Fleet): readonly SeenCluster[] {
  const seen: SeenCluster[] = [];
  for (const document of clusters) seen.push(seenCluster(document));
  return seen;
}

function seenCluster(document: ClusterDocument): SeenCluster {
  const row = clusterCells(document);
  const name = row.cells[0] ?? "";
  const nothing = {
    groupBy: undefined,
    byGroup: [],
    outdated: 0,
    outdatedRows: [],
    groups: [],
    forPerson: 0,
    unreadyRows: [],
    revisionRows: [],
    nextStep: "",
  };
  if (document.kind === "Error") return { ...row, ...nothing, name, error: document, gaps: [] };
  const common = { ...row, ...nothing, name, error: undefined, gaps: document.gaps };
  switch (document.kind) {
    case "RevisionsReport": {
      const revisionRows = document.revisions.map((entry) => [
        name,
        ...revisionCells(entry, false),
      ]);
      return { ...common, revisionRows };
    }
    case "StatusReport":
      return { ...common, ...groupsOf(document), nextStep: document.nextStep };
    default: {
      const entries = outdatedEntries(document);
      const people = document.workloads.filter(needsPerson);
      const imageText = imageTexts(false);
      return {
        ...common,
        ...groupsOf(document),
        nextStep: document.nextStep,
        outdated: entries.length,
        outdatedRows: outdatedGroups(entries.slice(0, MOST_ROWS + 1)).map((group) => [
          name,
          ...outdatedCells(group, imageText),
        ]),
        groups: people.length > MOST_ROWS ? [] : personGroups(people),
        forPerson: people.length,
        unreadyRows: document.kind === "VerifyReport" ? unreadyRows(name, document) : [],
      };
    }
  }
}

function groupsOf({ groupBy, groups = [] }: Report | StatusReport) {
  return { groupBy, byGroup: groups };
}

function unreadyRows(name: string, document: Report): readonly (readonly string[])[] {
  return document.workloads.filter(isUnready).map((entry) => {
    const { ready, pods } = readiness(entry);
    return [name, plain(entry.namespace), workloadName(entry), `${ready}/${pods}`];
  });
}

function titleOf({ command, summary }: Fleet): string {
  const { clusters, unreachable, interrupted } = summary;
  const missing = [
    ...(unreachable > 0 ? [`${unreachable} not read`] : []),
    ...(interrupted > 0 ? [`${interrupted} interrupted`] : []),
  ];
  return `${[`CLUSTERS: ${clusters}`, ...missing].join(", ")} (${plain(command)})`;
}

/** The columns that stay even if they are all zero. */
const KEPT: ReadonlySet<string> = new Set(["Workloads", "Outdated"]);

function clusterTable(seen: readonly SeenCluster[], style: Style): Lines {
  const head = seen.find(({ error }) => error === undefined)?.head ?? ["Cluster", "Result"];
  const cell = ({ cells }: ClusterCells, column: number) => cells[column] ?? "-";
  const isEmpty = (column: number) => seen.every((one) => /^[-0]$/.test(cell(one, column)));
  // Scripts count columns.
  const shown = [...head.keys()].filter(
    (column) => !style.headers || KEPT.has(head[column] ?? "") || !isEmpty(column),
  );
  const titles = shown.map((column) => (head[column] ?? "").toUpperCase());
  const rows = seen.map((one) =>
    shown.map((column) => {
      const text = cell(one, column);
      return style.headers ? text : text.replaceAll(" ", "_");
    }),
  );
  return columns(titles, rows, style, (text, title) => {
    if (title !== "RESULT") return text;
    if (text === "ok") return style.good(text);
    return text === "outdated" ? style.warn(text) : style.bad(text);
  });
}

function unread(seen: readonly SeenCluster[], style: Style): Lines {
  const lines = seen.flatMap(({ name, error }) =>
    error === undefined
      ? []
      : [
          `${name}: ${error.code}`,
          ...indented(error.message, style),
          ...nextStepLine(error.hint, style),
        ],
  );
  const number = seen.filter(({ error }) => error !== undefined).length;
  return titled(
    style.bad(`NOT READ: ${count(number, "cluster")}, so this report is incomplete`),
    lines,
  );
}

function gaps(seen: readonly SeenCluster[], style: Style): Lines {
  const lines = seen.flatMap((one) =>
    one.gaps.flatMap((gap) => {
      const where = gap.namespace === null ? "" : ` in ${gap.namespace}`;
      return [
        wrapped(plain(`${one.name}: ${gap.what}${where}: ${gap.reason}`), style),
        ...indented(gap.message, style),
        ...nextStepLine(gap.hint, style),
      ];
    }),
  );
  const number = seen.reduce((sum, one) => sum + one.gaps.length, 0);
  return titled(
    style.bad(`NOT READ: ${count(number, "gap")}, so this report is incomplete`),
    lines,
  );
}

/** The groups that the user asked for, over all clusters. */
function teams(seen: readonly SeenCluster[], { complete }: Fleet, style: Style): Lines {
  const by = seen.find(({ groupBy }) => groupBy !== undefined)?.groupBy;
  if (by === undefined) return [];
  const groups = mergeGroups(seen.flatMap(({ byGroup }) => byGroup));
  const sum = (of: (group: GroupEntry) => number) =>
    groups.reduce((total, group) => total + of(group), 0);
  const totals = {
    workloads: sum(({ workloads }) => workloads),
    pods: sum(({ pods }) => pods),
    isComplete: complete,
  };
  return groupSection({ by, groups, nameOf: ownGroup }, { kind: "FleetReport" }, totals, style);
}

function revisions(seen: readonly SeenCluster[], style: Style): Lines {
  const rows = seen.flatMap(({ revisionRows }) => revisionRows);
  const head = ["CLUSTER", ...revisionHead(false)];
  return titled(style.bold("REVISIONS"), rows.length === 0 ? [] : columns(head, rows, style));
}

function outdated(seen: readonly SeenCluster[], style: Style): Lines {
  const number = seen.reduce((sum, one) => sum + one.outdated, 0);
  if (number === 0) return [];
  const title = style.warn(`OUTDATED: ${count(number, "workload")}`);
  if (number > MOST_ROWS) return [title, wrapped(MORE, style)];
  const head = ["Cluster", ...OUTDATED_HEAD].map((name) => name.toUpperCase());
  const rows = seen.flatMap(({ outdatedRows }) => outdatedRows);
  return titled(title, fitted(head, rows, style));
}

const MORE = "to see each of them: -o wide, or the report of one cluster";

/** Leaves out ages, if there are none; and the pods and changes, if the terminal is too narrow. */
function fitted(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  style: Style,
): Lines {
  const isTooWide = (naturalWidth(head, rows, style) ?? 0) > (style.width ?? Infinity);
  const hidden = new Set([
    ...(isTooWide ? ["PODS", "CHANGE"] : []),
    ...(rows.every((row) => row.at(-1) === "") ? ["FOR"] : []),
  ]);
  const isKept = (_cell: string, column: number) => !hidden.has(head[column] ?? "");
  return columns(
    head.filter(isKept),
    rows.map((row) => row.filter(isKept)),
    style,
  );
}

function person(seen: readonly SeenCluster[], style: Style): Lines {
  const number = seen.reduce((sum, { forPerson }) => sum + forPerson, 0);
  const lines = seen.flatMap(({ name, groups, forPerson }) => {
    if (forPerson === 0) return [];
    const head = style.bold(`${name} (${forPerson})`);
    if (number > MOST_ROWS) return [head];
    return [
      head,
      ...groups.flatMap(({ title, causes }) =>
        causes.flatMap((cause) => [
          ...indented(`${title}: ${cause.reason}`, style, 2),
          ...indented(cause.entries.map(workloadPath).join(", "), style),
          ...cause.nextSteps.flatMap((step) => nextStepLine(step, style)),
        ]),
      ),
    ];
  });
  const more = number > MOST_ROWS ? [wrapped(MORE, style)] : [];
  return titled(style.bad(`NEEDS YOU: ${count(number, "workload")}`), [...lines, ...more]);
}

/** A note names contexts, whose names may look like commands, so none of it is shown as one. */
function notes({ notes: all }: Fleet, style: Style): Lines {
  return titled(
    style.dim("NOTE"),
    all.flatMap((note) => indented(note, style)),
  );
}

function unready(seen: readonly SeenCluster[], style: Style): Lines {
  const rows = seen.flatMap((one) => one.unreadyRows);
  const title = style.warn(`NOT READY: ${count(rows.length, "workload")}`);
  if (rows.length > MOST_ROWS) return [title, wrapped(MORE, style)];
  return titled(title, columns(["CLUSTER", "NAMESPACE", "WORKLOAD", "READY"], rows, style));
}

function conclusion({ summary, complete, exitCode }: Fleet, style: Style): Lines {
  const { clusters, sidecars } = summary;
  if (sidecars === undefined) return [];
  const { workloads, pods, byVerdict } = sidecars;
  const counts = Object.entries(byVerdict).map(([verdict, number]) => `${number} ${verdict}`);
  const all = `${count(workloads, "workload")}, ${count(pods, "pod")}`;
  const text = counts.length === 0 ? `${all}.` : `${all}: ${counts.join(", ")}.`;
  const isClean =
    complete && exitCode === 0 && Object.keys(byVerdict).every((one) => one === "current");
  const line = `${count(clusters, "cluster")}, ${text}`;
  return [wrapped(isClean ? style.good(line) : line, style)];
}

function next(seen: readonly SeenCluster[], style: Style): Lines {
  const steps = seen.flatMap(({ nextStep }) => (nextStep === "" ? [] : [plainCommand(nextStep)]));
  return titled(
    style.bold("NEXT"),
    steps.map((step) => `  ${step}`),
  );
}

/** Yields the sections, and below them the whole report of each cluster. */
function* withReports(
  sections: readonly Lines[],
  { clusters }: Fleet,
  style: Style,
  renderText: RenderText,
): Generator<string> {
  yield* joinSections(sections);
  for (const document of clusters) {
    if (document.kind === "Error") continue;
    yield `\n${style.bold(`CLUSTER ${plain(document.cluster.context)}`)}\n`;
    yield* renderText(document, style, true);
  }
}

/** Yields the rows of each cluster, with its name as the first column. */
function* prefixedRows(
  { clusters }: Fleet,
  style: Style,
  renderText: RenderText,
): Generator<string> {
  for (const document of clusters) {
    const [name = "", result = ""] = clusterCells(document).cells.map((cell) =>
      cell.replaceAll(" ", "_"),
    );
    if (document.kind === "Error") yield `${name}   ${result}\n`;
    else for (const row of renderText(document, style, true)) yield `${name}   ${row}`;
  }
}
