import type { OUTPUTS } from "../settings.ts";
import type { AnyDocument } from "./document.ts";
import { renderExplanation } from "./explanation-text.ts";
import { renderRevisions } from "./revisions-table.ts";
import type { Style } from "./style.ts";
import { renderTable } from "./table.ts";

/** A document as the text that stdout gets. */
export type Renderer = (document: AnyDocument, style: Style) => string;

export const RENDERERS: Readonly<Record<(typeof OUTPUTS)[number], Renderer>> = {
  table: (document, style) => renderText(document, style, false),
  wide: (document, style) => renderText(document, style, true),
  json: (document) => `${JSON.stringify(document, undefined, 2)}\n`,
};

function renderText(document: AnyDocument, style: Style, wide: boolean): string {
  switch (document.kind) {
    case "Explanation":
      return renderExplanation(document, style);
    case "RevisionsReport":
      return renderRevisions(document, style, wide);
    default:
      return renderTable(document, style, wide);
  }
}
