import type { ErrorDocument, GapEntry, Report } from "../document.ts";

/** A cluster of a page: its report, or the error that prevented one. */
export type ClusterOutcome =
  | { readonly name: string; readonly report: Report; readonly error?: undefined }
  | { readonly name: string; readonly report?: undefined; readonly error: ErrorDocument };

/** Something of a report, with the name of its cluster. */
export interface OfCluster<Item> {
  readonly cluster: string;
  readonly item: Item;
}

export function clusterOutcome(document: Report | ErrorDocument): ClusterOutcome {
  return document.kind === "Error"
    ? { name: document.cluster.context ?? "unknown", error: document }
    : { name: document.cluster.context, report: document };
}

/** Returns the same part of all reports. A cluster without a report has none. */
export function ofClusters<Item>(
  clusters: readonly ClusterOutcome[],
  pick: (report: Report) => readonly Item[],
): readonly OfCluster<Item>[] {
  return clusters.flatMap(({ name, report }) =>
    report === undefined ? [] : pick(report).map((item) => ({ cluster: name, item })),
  );
}

/** Something that could not be read. */
export interface Unread extends Omit<GapEntry, "reason"> {
  readonly cluster: string;
  readonly reason: string;
}

/** Returns what could not be read of all clusters, and the clusters that could not be read at all. */
export function unreadOf(clusters: readonly ClusterOutcome[]): readonly Unread[] {
  return clusters.flatMap(({ name, report, error }): readonly Unread[] => {
    if (report !== undefined) return report.gaps.map((gap) => ({ ...gap, cluster: name }));
    const { code, message, hint } = error;
    return [
      { cluster: name, what: "read the cluster", namespace: null, reason: code, message, hint },
    ];
  });
}
