import { count } from "../../wording.ts";
import type { ErrorDocument, RevisionsReport, StatusReport } from "../document.ts";
import type { Headline, Tone } from "./headline.ts";
import { type Content, html, stepMarkup } from "./markup.ts";
import { columns } from "./report-sections.ts";
import { revisionsHeadline, revisionsSections } from "./revisions-page.ts";
import { statusHeadline, statusSections } from "./status-page.ts";
import { section, table } from "./table.ts";

/** A document of one cluster that is not about single workloads. */
type Overview = StatusReport | RevisionsReport;

/** Returns the headline about the upgrades or the revisions of one or many clusters. */
export function overviewHeadline(documents: readonly (Overview | ErrorDocument)[]): Headline {
  const [first] = documents;
  if (first !== undefined && documents.length === 1) return headlineOf(first);
  const tones = documents.map((document) => headlineOf(document).tone);
  const number = (tone: Tone) => tones.filter((each) => each === tone).length;
  const [open, unread] = [number("warning"), number("incomplete")];
  const clusters = count(documents.length, "cluster");
  if (unread > 0) {
    return {
      tone: "incomplete",
      text: `${unread} of ${clusters} could not be read as a whole`,
      details: open > 0 ? [`${count(open, "other cluster")} with something left to do`] : [],
    };
  }
  return open > 0
    ? { tone: "warning", text: `Something is left to do in ${open} of ${clusters}`, details: [] }
    : { tone: number("good") > 0 ? "good" : "neutral", text: clusters, details: [] };
}

function headlineOf(document: Overview | ErrorDocument): Headline {
  switch (document.kind) {
    case "StatusReport":
      return statusHeadline(document);
    case "RevisionsReport":
      return revisionsHeadline(document);
    case "Error":
      return {
        tone: "incomplete",
        text: "The cluster could not be read",
        details: [document.message],
      };
  }
}

/** Returns a row for each cluster if there are several, and then everything about each of them. */
export function* overviewSections(
  documents: readonly (Overview | ErrorDocument)[],
): Generator<Content> {
  const isFleet = documents.length > 1;
  if (isFleet) yield section("clusters", "Clusters", clusterTable(documents));
  for (const [index, document] of documents.entries()) {
    if (document.kind === "Error") continue;
    const place = isFleet
      ? { id: `cluster-${index}-`, title: `: ${document.cluster.context}` }
      : undefined;
    yield* document.kind === "StatusReport"
      ? statusSections(document, place)
      : revisionsSections(document, place);
  }
}

function clusterTable(documents: readonly (Overview | ErrorDocument)[]): Content {
  return table(
    "Clusters",
    columns("Cluster", "State", "Details", "What to do", "Exit code"),
    documents.map((document) => {
      const { tone, text, details } = headlineOf(document);
      return [
        document.cluster.context ?? "unknown",
        tone === "incomplete" ? html`<span class="chip v-unknown">${text}</span>` : text,
        details.join("; "),
        nextOf(document),
        document.exitCode,
      ];
    }),
  );
}

function nextOf(document: Overview | ErrorDocument): Content {
  if (document.kind === "RevisionsReport") return "";
  const step = document.kind === "Error" ? document.hint : document.nextStep;
  return step === "" ? "" : stepMarkup(step);
}
