import type { Explanation } from "../document.ts";
import { driftText } from "../drift-groups.ts";
import { workloadPath } from "../events.ts";
import type { Headline } from "./headline.ts";
import { type Content, html, stepMarkup } from "./markup.ts";
import { columns, gapTable, noteTable } from "./report-sections.ts";
import { section, table } from "./table.ts";

/** Returns the headline about one workload. */
export function explanationHeadline({ verdict, reason, complete }: Explanation): Headline {
  const text = verdict === null ? "Outside the mesh" : `Verdict: ${verdict}`;
  const isFine = verdict === "current" || verdict === "pinned";
  const isLeftOut = verdict === null || verdict === "excluded" || verdict === "managed";
  const tone = complete ? (isFine ? "good" : isLeftOut ? "neutral" : "warning") : "incomplete";
  return { tone, text, details: [reason] };
}

/** Returns the title of the page about one workload. */
export function explanationTitle({ subject, cluster }: Explanation): string {
  return `${workloadPath(subject)} of ${cluster.context}`;
}

/** Returns the sections about one workload, and each check that led to its verdict. */
export function* explanationSections(document: Explanation): Generator<Content> {
  const { steps, nextStep, workload } = document;
  if (nextStep !== "") yield section("next", "Next", html`<p>${stepMarkup(nextStep)}</p>`);
  yield gapTable(document.gaps);
  yield section(
    "steps",
    "The way to the verdict",
    table(
      "The way to the verdict",
      columns("Checked", "Result", "Detail"),
      steps.map(({ subject, result, detail }) => [subject, result, detail]),
    ),
  );
  yield section(
    "drift",
    "A restart would change",
    table(
      "A restart would change",
      columns("What", "Change"),
      (workload?.drift ?? []).map((entry) => [entry.what, driftText(entry)]),
    ),
  );
  yield noteTable(document.notes);
}
