import { count } from "../../wording.ts";
import { ageCell } from "../age-text.ts";
import type { Report, WorkloadEntry } from "../document.ts";
import { groupName, groupTitle } from "../group-rows.ts";
import { ownGroup } from "../workload-groups.ts";
import { ageGroups } from "./ages.ts";
import { numberedBar, partBar, percentText, verdictBar, verdictList, verdictParts } from "./bar.ts";
import { type ClusterOutcome, ofClusters, unreadOf } from "./cluster-outcome.ts";
import { type Content, html, type Markup } from "./markup.ts";
import {
  type NamedShare,
  podShares,
  shareOf,
  totalOf,
  verdictCounts,
  workloadShares,
} from "./shares.ts";
import { section, table } from "./table.ts";

/** Draws all workloads of some clusters as one bar with its numbers. Without workloads, draws nothing. */
export function overallBar(clusters: readonly ClusterOutcome[]): Content {
  const counts = verdictCounts(clusters.flatMap(({ report }) => report?.workloads ?? []));
  return numberedBar(verdictParts(counts));
}

/** Returns the sections with bars: the share on target by cluster, namespace and revision, and the ages. */
export function* shareSections(clusters: readonly ClusterOutcome[]): Generator<Content> {
  const all = ofClusters(clusters, ({ workloads }) => workloads);
  const workloads = all.map(({ item }) => item);
  if (clusters.length > 1) yield section("clusters", "Clusters", clusterTable(clusters));
  if (workloads.length === 0) return;
  const isFleet = clusters.length > 1;
  const name = (cluster: string, entry: WorkloadEntry) =>
    isFleet ? `${cluster}/${entry.namespace}` : entry.namespace;
  const names = new Map(all.map(({ cluster, item }) => [item, name(cluster, item)]));
  const namespaces = workloadShares(workloads, (entry) => names.get(entry) ?? "");
  const links = new Map(
    all.map(({ cluster, item }) => [names.get(item) ?? "", [cluster, item.namespace] as const]),
  );
  const unread = unreadNames(clusters, isFleet);
  yield groupShares(clusters, workloads);
  yield html`<div class="columns">
    ${section(
      "namespaces",
      "Workloads by namespace",
      shareTable("Workloads by namespace", "Namespace", namespaces, (share) => [
        linkTo(share.name, links.get(share.name), isFleet),
        unread.has(share.name)
          ? html` <span class="chip v-unknown">not all read</span>`
          : undefined,
      ]),
    )}
    <div>
      ${section(
        "revisions",
        "Pods by revision and version",
        shareTable(
          "Pods by revision and version",
          "Sidecar",
          podShares(workloads),
          ({ name: sidecar }) => sidecar,
        ),
      )}
      ${section("ages", "Age of outdated workloads", ageTable(workloads))}
    </div>
  </div> `;
}

/** Returns the shares of the groups of `--group-by`, which may be in several clusters. */
function groupShares(
  clusters: readonly ClusterOutcome[],
  workloads: readonly WorkloadEntry[],
): Content {
  const [by] = clusters.flatMap(({ report }) => report?.groupBy ?? []);
  // The namespaces have a table anyway.
  if (by === undefined || by === "namespace") return undefined;
  const shares = workloadShares(workloads, (entry) => groupName(ownGroup(entry)));
  const title = `Workloads by ${groupTitle(by).toLowerCase()}`;
  return section(
    "groups",
    title,
    shareTable(title, groupTitle(by), shares, ({ name }) => name),
  );
}

/** A link to the rows of a namespace, which the script shows alone. */
function linkTo(
  text: string,
  place: readonly [cluster: string, namespace: string] | undefined,
  isFleet: boolean,
): Content {
  if (place === undefined) return text;
  const [cluster, namespace] = place;
  return isFleet
    ? html`<a
        href="#workloads"
        data-select=""
        data-cluster="${cluster}"
        data-namespace="${namespace}"
        >${text}</a
      >`
    : html`<a href="#workloads" data-select="" data-namespace="${namespace}">${text}</a>`;
}

/** Names the namespaces with gaps of their own: their bars do not show everything. */
function unreadNames(clusters: readonly ClusterOutcome[], isFleet: boolean): ReadonlySet<string> {
  const own = unreadOf(clusters).flatMap(({ cluster, namespace }) =>
    namespace === null ? [] : [isFleet ? `${cluster}/${namespace}` : namespace],
  );
  return new Set(own);
}

/** More rows than these are folded; the table of workloads has all of them. */
const MOST_ROWS = 25;

function shareTable(
  label: string,
  what: string,
  shares: readonly NamedShare[],
  nameOf: (share: NamedShare) => Content,
): Content {
  const columns = [
    { name: what },
    { name: "Share", kind: "chart" },
    { name: "On target", kind: "number" },
    { name: "All", kind: "number" },
    { name: "Numbers", kind: "counts" },
  ];
  const rowsOf = (some: readonly NamedShare[]) =>
    some.map((share) => [
      nameOf(share),
      verdictBar(share.counts),
      percentText(share),
      totalOf(share),
      html`${verdictList(share.counts)}`,
    ]);
  const rest = shares.slice(MOST_ROWS);
  return [
    table(label, columns, rowsOf(shares.slice(0, MOST_ROWS))),
    rest.length === 0
      ? undefined
      : html`<details>
          <summary>${count(rest.length, "more row")}</summary>
          ${table(`${label}, continued`, columns, rowsOf(rest))}
        </details>`,
  ];
}

function ageTable(workloads: readonly WorkloadEntry[]): Content {
  const groups = ageGroups(workloads);
  const most = Math.max(...groups.map((group) => group.workloads));
  return table(
    "Age of outdated workloads",
    [
      { name: "Outdated for" },
      { name: "Share", kind: "chart" },
      { name: "Workloads", kind: "number" },
    ],
    groups.map(({ name, workloads: number, isOld }) => [
      name,
      partBar(number, most, isOld ? "v-old" : "v-outdated"),
      number,
    ]),
  );
}

function clusterTable(clusters: readonly ClusterOutcome[]): Markup | undefined {
  return table(
    "Clusters",
    [
      { name: "Cluster" },
      { name: "State" },
      { name: "Share", kind: "chart" },
      { name: "On target", kind: "number" },
      { name: "Workloads", kind: "number" },
      { name: "Numbers", kind: "counts" },
      { name: "Oldest", kind: "number" },
      { name: "Exit code", kind: "number" },
    ],
    clusters.map(({ name, report, error }) =>
      report === undefined
        ? [
            name,
            html`<span class="chip v-unknown">not read</span> ${error.message}`,
            "",
            "",
            "",
            "",
            "",
            error.exitCode,
          ]
        : clusterRow(name, report),
    ),
  );
}

function clusterRow(name: string, report: Report): readonly Content[] {
  const share = shareOf(verdictCounts(report.workloads));
  return [
    name,
    report.complete ? "complete" : html`<span class="chip v-unknown">incomplete</span>`,
    verdictBar(share.counts),
    percentText(share),
    totalOf(share),
    html`${verdictList(share.counts)}`,
    report.summary.oldest === undefined ? "" : ageCell(report.summary.oldest),
    report.exitCode,
  ];
}
