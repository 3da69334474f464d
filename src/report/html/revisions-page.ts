import { count } from "../../wording.ts";
import type { RevisionsReport } from "../document.ts";
import type { Headline } from "./headline.ts";
import { type Content, command, html, stepMarkup } from "./markup.ts";
import { columns, gapTable, readyMarkup } from "./report-sections.ts";
import { ALONE, type Place, section, table } from "./table.ts";

/** Returns the headline about the installed revisions. */
export function revisionsHeadline({
  revisions,
  complete,
  assertUnused,
}: RevisionsReport): Headline {
  const text = count(revisions.length, "revision");
  if (!complete) {
    return { tone: "incomplete", text: `${text}, and this report is incomplete`, details: [] };
  }
  if (!assertUnused) return { tone: "neutral", text, details: [] };
  const isUsed = revisions.some(({ holders }) => holders.length > 0);
  return isUsed
    ? { tone: "warning", text: "The revision is in use", details: [] }
    : { tone: "good", text: "Nothing uses the revision", details: [] };
}

/** Returns the sections about the revisions, and about what still uses each of them. */
export function* revisionsSections(
  document: RevisionsReport,
  place: Place = ALONE,
): Generator<Content> {
  const titled = (id: string, title: string, content: Content) =>
    section(`${place.id}${id}`, html`${title}${place.title}`, content);
  const { revisions, unattributed } = document;
  yield gapTable(document.gaps, place);
  yield titled(
    "revisions",
    "Revisions",
    table(
      "Revisions",
      columns("Revision", "Image", "Tags", "Ready", "Sidecars", "Gateways", "Terminating"),
      revisions.map(({ revision, image, tags, ready, pods }) => [
        revision,
        image ?? "unknown",
        tags.join(", "),
        readyMarkup(ready),
        pods.sidecars,
        pods.gateways,
        pods.terminating,
      ]),
    ),
  );
  yield titled(
    "uses",
    "Still in use",
    table(
      "Still in use",
      columns("Revision", "Used by", "Names", "What to do"),
      revisions.flatMap(({ revision, holders }) =>
        holders.map(({ kind, count: number, names, release }) => [
          revision,
          `${number} ${kind}`,
          names.join(", "),
          stepMarkup(release),
        ]),
      ),
    ),
  );
  yield titled(
    "warnings",
    "Warnings",
    table(
      "Warnings",
      columns("Revision", "Warning", "What to do"),
      revisions.flatMap(({ revision, warnings }) =>
        warnings.map(({ message, nextStep }) => [revision, message, stepMarkup(nextStep)]),
      ),
    ),
  );
  const removals = revisions.flatMap(({ removal }) => removal);
  if (removals.length > 0) {
    const steps = removals.map((step) => html`<li>${command(step)}</li>`);
    yield titled(
      "removal",
      "Removal, once nothing uses it",
      html`<ul class="plain">
        ${steps}
      </ul>`,
    );
  }
  yield titled(
    "unattributed",
    "Of no known revision",
    unattributed.pods + unattributed.tags.length === 0
      ? undefined
      : html`<p>
          ${count(unattributed.pods, "pod")}:
          ${[...unattributed.names, ...unattributed.tags].join(", ")}
        </p>`,
  );
}
