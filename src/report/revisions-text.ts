import { count } from "../wording.ts";
import { columns } from "./columns.ts";
import type { HolderEntry, RevisionEntry, RevisionsReport } from "./document.ts";
import { shortImage } from "../mesh/short-image.ts";
import { plain } from "./plain.ts";
import { gapLines, indented, joinSections, type Lines, nextStepLine, titled } from "./sections.ts";
import { countByKind } from "./revisions-document.ts";
import type { Style } from "./style.ts";

/** Renders the revisions, the references to each, and whether it can be removed. */
export function renderRevisions(
  report: RevisionsReport,
  style: Style,
  wide: boolean,
): Iterable<string> {
  if (!style.headers) return joinSections([table(report, style, wide)]);
  return joinSections([
    table(report, style, wide),
    ...report.revisions.map((entry) => references(entry, report, style, wide)),
    warnings(report, style),
    report.revisions.flatMap(managedGateways),
    unattributed(report, style),
    gapLines(report, style),
    conclusion(report, style),
    removal(report, style),
  ]);
}

function table({ revisions }: RevisionsReport, style: Style, wide: boolean): Lines {
  const rows = revisions.map((entry) => revisionCells(entry, wide));
  return columns(revisionHead(wide), rows, style);
}

/** The headings of `revisionCells`, upper-case. */
export function revisionHead(wide: boolean): readonly string[] {
  const pods = wide ? ["SIDECARS", "GATEWAYS"] : ["PODS"];
  return ["REVISION", "STATE", "IMAGE", "TAGS", "NAMESPACES", ...pods, "TERMINATING"];
}

export function revisionCells(entry: RevisionEntry, wide: boolean): readonly string[] {
  return [
    plain(entry.revision),
    stateOf(entry),
    plain(entry.image === null ? "-" : wide ? entry.image : shortImage(entry.image, null)),
    plain(entry.tags.join(",")) || "-",
    String(entry.namespaces.length),
    ...(wide ? [String(entry.pods.sidecars), String(entry.pods.gateways)] : [livePods(entry)]),
    String(entry.pods.terminating),
  ];
}

function livePods({ pods }: RevisionEntry): string {
  return String(pods.sidecars + pods.gateways);
}

function stateOf({ installed, elsewhere, ready }: RevisionEntry): string {
  if (elsewhere !== null) return placeOf(elsewhere);
  if (installed === null) return "unknown";
  if (!installed) return "absent";
  return { true: "ready", false: "down", null: "unknown" }[`${ready}`];
}

function placeOf({ namespace }: NonNullable<RevisionEntry["elsewhere"]>): string {
  return namespace === null ? "remote" : plain(`in namespace ${namespace}`);
}

/**
 * Returns the references to a revision, with commands if the report is about this revision alone.
 */
function references(
  entry: RevisionEntry,
  report: RevisionsReport,
  style: Style,
  wide: boolean,
): Lines {
  const blocks = entry.holders.flatMap((holder) => [
    ...indented(holderText(holder, wide), style),
    ...(report.revision === null ? [] : nextStepLine(holder.release, style)),
  ]);
  return titled(style.bold(`${plain(entry.revision)} IS USED BY`), blocks);
}

/** Mentions mesh configuration that moving to the newest revision would lose. */
function warnings({ revisions }: RevisionsReport, style: Style): Lines {
  const all = revisions.flatMap((entry) => entry.warnings);
  return titled(
    style.warn("WARNINGS"),
    all.flatMap(({ message, nextStep }) => [
      ...indented(message, style),
      ...nextStepLine(nextStep, style),
    ]),
  );
}

/** Mentions the gateways of AKS: the table counts them, but they do not block a removal. */
function managedGateways({ revision, pods }: RevisionEntry): readonly string[] {
  if (pods.managed === 0) return [];
  const belong = count(pods.managed, "AKS gateway pod", ["belongs", "belong"]);
  return [`${belong} to ${plain(revision)}; AKS removes its gateways with the revision.`];
}

const NOUNS: Readonly<Record<HolderEntry["kind"], string>> = {
  tags: "tag",
  namespaces: "namespace",
  templates: "pod template",
  gateways: "Gateway",
  pods: "pod",
  "terminating-pods": "terminating pod",
};

const WAYS: Readonly<Record<HolderEntry["releasedBy"], string>> = {
  restart: ", restart",
  "restart-with-downtime": ", restart with --allow-downtime",
  "after-relabelling": ", restart after relabelling",
  "after-relabelling-with-downtime": ", restart with --allow-downtime after relabelling",
  "by-hand": ", by hand",
  excluded: ", excluded",
  "relabel-gateway": ", rendered from a Gateway",
  relabelling: "",
  waiting: "",
};

/** @param wide true to list all names, instead of at most ten. */
function holderText({ kind, releasedBy, count: all, names }: HolderEntry, wide: boolean): string {
  const shown = wide ? names : names.slice(0, MOST_NAMES);
  const hidden = names.length - shown.length;
  // Of many terminating pods in one workload, only some names are kept.
  const unnamed = kind === "terminating-pods" ? Math.max(0, all - names.length) : 0;
  const hint = hidden > 0 ? ": -o wide" : "";
  const more = hidden + unnamed > 0 ? ` and ${hidden + unnamed} more${hint}` : "";
  return `${count(all, NOUNS[kind])}${WAYS[releasedBy]}: ${shown.join(", ")}${more}`;
}

const MOST_NAMES = 10;

function unattributed({ unattributed: lost }: RevisionsReport, style: Style): Lines {
  if (lost.pods + lost.tags.length === 0) return [];
  const pods = `${count(lost.pods, "pod")} without the annotation istio.io/rev: ${lost.names.join(", ")}`;
  const tags = `${count(lost.tags.length, "tag")} that may lead to any revision: ${lost.tags.join(", ")}`;
  return [
    style.warn("UNKNOWN REVISION"),
    ...(lost.pods > 0 ? indented(pods, style) : []),
    ...(lost.tags.length > 0 ? indented(tags, style) : []),
  ];
}

/** Returns the conclusion of a report about a single revision. */
function conclusion(report: RevisionsReport, style: Style): Lines {
  const { revision, revisions, gaps: unread, unattributed: lost } = report;
  if (revision === null) return [];
  const name = plain(revision);
  const holders = revisions.flatMap((entry) => entry.holders);
  if (holders.length > 0) {
    const kinds = [...countByKind(holders)].map(([kind, all]) => count(all, NOUNS[kind]));
    return [style.bad(`${name} is still in use: ${kinds.join(", ")}.`)];
  }
  const doubts = [
    ...revisions.flatMap(({ elsewhere }) =>
      elsewhere ? [`its control plane is ${placeOf(elsewhere)}`] : [],
    ),
    ...(unread.length > 0 ? [count(unread.length, "gap")] : []),
    ...(lost.pods > 0 ? [`${count(lost.pods, "pod")} of an unknown revision`] : []),
    ...(lost.tags.length > 0 ? [`${count(lost.tags.length, "tag")} of an unknown revision`] : []),
  ];
  if (doubts.length > 0) {
    return [style.bad(`Could not tell whether ${name} is unused: ${doubts.join(", ")}.`)];
  }
  return [style.good(`Nothing uses ${name}: it can be removed.`)];
}

/** Returns the commands that remove a single revision. */
function removal({ revision, revisions }: RevisionsReport, style: Style): Lines {
  if (revision === null) return [];
  const steps = revisions.flatMap((entry) => entry.removal);
  const inUse = revisions.some(({ holders }) => holders.length > 0);
  const title = inUse ? "ONCE NOTHING USES IT" : "TO REMOVE IT";
  return titled(
    style.bold(title),
    steps.flatMap((step) => nextStepLine(step, style)),
  );
}
