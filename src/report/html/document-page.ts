import type {
  AnyDocument,
  CheckReport,
  ErrorDocument,
  Fleet,
  Report,
  RestartReport,
  RevisionsReport,
  SingleDocument,
  StatusReport,
  VerifyReport,
} from "../document.ts";
import { leaseText } from "../leases.ts";
import { count } from "../../wording.ts";
import { scopeParts } from "../scope-parts.ts";
import { clusterOutcome, type ClusterOutcome } from "./cluster-outcome.ts";
import { explanationHeadline, explanationSections, explanationTitle } from "./explanation-page.ts";
import { restartHeadline, sidecarHeadline, unfinishedOf } from "./headline.ts";
import { type Content, html, stepMarkup } from "./markup.ts";
import { overviewHeadline, overviewSections } from "./overview.ts";
import { type Page, renderPage } from "./page.ts";
import {
  driftSection,
  nextSection,
  noteSection,
  personSection,
  sinceSections,
  targetSection,
  timeMarkup,
  unreadSection,
  unreadySection,
  warningSection,
} from "./report-sections.ts";
import { moveSections, outcomeBar, planSections } from "./restart-sections.ts";
import { overallBar, shareSections } from "./share-sections.ts";
import { section } from "./table.ts";
import { timelineSection } from "./timeline-table.ts";
import { workloadTable } from "./workload-rows.ts";

/**
 * Renders a document as one HTML file, in pieces: for a mail, a ticket or a dashboard. It needs no other
 * file and no script.
 */
export function renderHtml(document: AnyDocument | ErrorDocument): Iterable<string> {
  return renderPage(pageOf(document));
}

function pageOf(document: AnyDocument | ErrorDocument): Page {
  switch (document.kind) {
    case "Explanation":
      return {
        ...pageBase(document),
        title: explanationTitle(document),
        headline: explanationHeadline(document),
        sections: explanationSections(document),
      };
    case "RevisionsReport":
    case "StatusReport":
      return overviewPage(document.kind, [document], pageBase(document));
    case "RestartReport":
      return restartPage(document);
    case "CheckReport":
    case "VerifyReport":
      return sidecarPage([document], pageBase(document));
    case "FleetReport":
      return fleetPage(document);
    case "Error":
      return errorPage(document);
  }
}

function fleetPage({ clusters, command, ...fleet }: Fleet): Page {
  const { generatedAt, exitCode, exitReasons, version, notes } = fleet;
  const base: PageBase = {
    facts: [
      ["Made at", timeMarkup(generatedAt)],
      ["Exit code", exitFact(exitCode, exitReasons)],
      ...notes.map((note) => ["Note", note] as const),
    ],
    exitReasons,
    version,
  };
  const workloads: (CheckReport | VerifyReport | ErrorDocument)[] = [];
  const overviews: (StatusReport | RevisionsReport | ErrorDocument)[] = [];
  for (const document of clusters) {
    const { kind } = document;
    if (kind !== "StatusReport" && kind !== "RevisionsReport") workloads.push(document);
    if (kind !== "CheckReport" && kind !== "VerifyReport") overviews.push(document);
  }
  if (command === "check" || command === "verify") return sidecarPage(workloads, base);
  return overviewPage(command === "status" ? "StatusReport" : "RevisionsReport", overviews, base);
}

/** A command that failed has read nothing that its page could show. */
function errorPage({ code, exitCode, cluster, message, hint }: ErrorDocument): Page {
  return {
    title: `istio-upgrade: ${cluster.context ?? "unknown cluster"}`,
    headline: { tone: "incomplete", text: "The command failed", details: [message] },
    facts: [["Exit code", exitFact(exitCode, [code])]],
    exitReasons: [],
    version: undefined,
    sections: [section("next", "What to do", html`<p>${stepMarkup(hint)}</p>`)],
  };
}

/** Returns the page about the upgrades or the revisions of one or many clusters. */
export function overviewPage(
  kind: "StatusReport" | "RevisionsReport",
  documents: readonly (StatusReport | RevisionsReport | ErrorDocument)[],
  base: PageBase,
): Page {
  const what = kind === "StatusReport" ? "Istio upgrade" : "Istio revisions";
  const names = documents.map(({ cluster }) => cluster.context ?? "unknown");
  return {
    ...base,
    title: `${what} of ${subjectOf(names)}`,
    headline: overviewHeadline(documents),
    sections: overviewSections(documents),
  };
}

/** The name of a cluster; of several, their number. */
function subjectOf([first = "no cluster", ...others]: readonly string[]): string {
  return others.length === 0 ? first : count(others.length + 1, "cluster");
}

/** Returns the page about the sidecars of one or many clusters. */
export function sidecarPage(documents: readonly (Report | ErrorDocument)[], base: PageBase): Page {
  const clusters = documents.map(clusterOutcome);
  return {
    ...base,
    title: `Istio sidecars of ${subjectOf(clusters.map(({ name }) => name))}`,
    headline: sidecarHeadline(clusters),
    picture: overallBar(clusters),
    sections: clusterSections(clusters),
  };
}

function* clusterSections(clusters: readonly ClusterOutcome[]): Generator<Content> {
  yield unreadSection(clusters);
  yield nextSection(clusters);
  yield* sinceSections(clusters);
  yield* shareSections(clusters);
  yield personSection(clusters);
  yield unreadySection(clusters);
  yield* details(clusters);
}

function* details(clusters: readonly ClusterOutcome[]): Generator<Content> {
  yield targetSection(clusters);
  yield* driftSection(clusters);
  yield warningSection(clusters);
  yield noteSection(clusters);
  const rows = clusters.flatMap(({ name, report }) =>
    (report?.workloads ?? []).map((item) => ({
      cluster: name,
      item,
      maxAge: report?.maxAge,
      labelColumns: report?.labelColumns,
    })),
  );
  yield* workloadTable(
    rows,
    clusters.map(({ name }) => name),
  );
}

function restartPage(report: RestartReport): Page {
  const { user, reason, plan, lease, dryRun, move, cluster } = report;
  const verb = move === undefined ? "Restart" : "Move";
  return {
    ...pageBase(report),
    title: `${dryRun === null ? verb : `Plan: ${verb.toLowerCase()}`} in ${cluster.context}`,
    headline: restartHeadline(report),
    picture: dryRun === null ? outcomeBar(report) : overallBar([clusterOutcome(report)]),
    facts: [
      ...factsOf(report),
      ["Who", user ?? "unknown"],
      ...(reason === null ? [] : [["Why", reason] as const]),
      ["Plan", html`<code>${plan.slice(0, 19)}</code>`],
      ...(lease === undefined ? [] : [["Lease", leaseText(lease)] as const]),
    ],
    sections: restartSections(report),
  };
}

function* restartSections(report: RestartReport): Generator<Content> {
  const clusters = [clusterOutcome(report)];
  yield unreadSection(clusters);
  if (unfinishedOf(report) !== undefined) {
    // The next command, and the state of the cluster, are known once the run has ended.
    yield* moveSections(report);
    yield timelineSection(report);
    return;
  }
  yield nextSection(clusters);
  yield* moveSections(report);
  yield* planSections(report);
  yield timelineSection(report);
  yield personSection(clusters);
  yield* shareSections(clusters);
  yield* details(clusters);
}

/** The parts of a page that do not depend on its subject. */
type PageBase = Pick<Page, "facts" | "exitReasons" | "version">;

function pageBase(document: SingleDocument): PageBase {
  const { version, exitReasons } = document;
  return { facts: factsOf(document), exitReasons, version };
}

function factsOf(document: SingleDocument): Page["facts"] {
  const { cluster, generatedAt, exitCode, exitReasons } = document;
  return [
    ["Cluster", `${cluster.context} (${cluster.server})`],
    ["Made at", timeMarkup(generatedAt)],
    ...("scope" in document ? [["Scope", scopeParts(document.scope).join("; ")] as const] : []),
    ["Exit code", exitFact(exitCode, exitReasons)],
  ];
}

function exitFact(exitCode: number, reasons: readonly string[]): string {
  return reasons.length === 0 ? String(exitCode) : `${exitCode} (${reasons.join(", ")})`;
}
