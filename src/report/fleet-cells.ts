import { ageCell } from "./age-text.ts";
import type {
  ClusterDocument,
  Report,
  RevisionsReport,
  StatusReport,
  WorkloadEntry,
} from "./document.ts";
import { countEntries } from "./exit-reasons.ts";
import { resultWord } from "./packed-cluster.ts";
import { plain } from "./plain.ts";

/** A row about a cluster, with the headings of its columns. */
export interface ClusterCells {
  readonly head: readonly string[];
  readonly cells: readonly string[];
}

/** The headings that the rows of all commands begin with. */
const FIRST = ["Cluster", "Result"] as const;

/** Returns the summary row of a cluster. That of an error has only the first two cells. */
export function clusterCells(document: ClusterDocument): ClusterCells {
  const { head, cells } = ownCells(document);
  return {
    head: [...FIRST, ...head],
    cells: [plain(document.cluster.context ?? "unknown"), resultWord(document), ...cells],
  };
}

function ownCells(document: ClusterDocument): ClusterCells {
  switch (document.kind) {
    case "CheckReport":
    case "VerifyReport":
      return reportCells(document);
    case "StatusReport":
      return statusCells(document);
    case "RevisionsReport":
      return revisionsCells(document);
    case "Error":
      return { head: [], cells: [] };
  }
}

function reportCells({ kind, workloads, gaps, summary }: Report): ClusterCells {
  const counts = countEntries(workloads, gaps.length);
  const isCurrent = ({ verdict }: WorkloadEntry) => verdict === "current";
  return rowOf({
    Workloads: summary.workloads,
    Current: workloads.filter(isCurrent).length,
    Outdated: counts.outdated,
    "By hand": counts["by-hand"],
    Lose: counts["would-lose"],
    Blocked: counts.blocked,
    Missing: counts.missing,
    Unknown: counts.unknown,
    ...(kind === "VerifyReport" ? { "Not ready": counts["not-ready"] } : {}),
    Gaps: counts.gaps,
    Oldest: ageCell(summary.oldest) || "-",
  });
}

function statusCells({ phase, from, to, namespaces, gaps }: StatusReport): ClusterCells {
  const sum = (of: (entry: StatusReport["namespaces"][number]) => number) =>
    namespaces.reduce((total, entry) => total + of(entry), 0);
  return rowOf({
    Phase: phase ?? "unknown",
    From: plain(from ?? "-"),
    To: plain(to ?? "-"),
    Outdated: sum(({ outdated }) => outdated),
    "By hand": sum(({ byHand }) => byHand),
    Lose: sum(({ wouldLose }) => wouldLose),
    Blocked: sum(({ blocked }) => blocked),
    Gaps: gaps.length,
  });
}

function revisionsCells({ revisions, gaps, unattributed }: RevisionsReport): ClusterCells {
  const installed = revisions.filter(({ installed: is }) => is === true);
  const absent = revisions.filter(({ installed: is }) => is === false);
  const names = (all: RevisionsReport["revisions"]) =>
    plain(all.map(({ revision }) => revision).join(", ")) || "-";
  return rowOf({
    Installed: names(installed),
    Absent: names(absent),
    Unattributed: unattributed.pods + unattributed.tags.length,
    Gaps: gaps.length,
  });
}

function rowOf(values: Readonly<Record<string, string | number>>): ClusterCells {
  return { head: Object.keys(values), cells: Object.values(values).map(String) };
}
