import type { AnyDocument } from "./document.ts";
import { renderExplanation } from "./explanation-text.ts";
import { renderRevisions } from "./revisions-table.ts";
import type { Style } from "./style.ts";
import { renderTable } from "./table.ts";

/** Any document, for people, line by line. */
export function renderText(document: AnyDocument, style: Style, wide: boolean): Iterable<string> {
  switch (document.kind) {
    case "Explanation":
      return renderExplanation(document, style);
    case "RevisionsReport":
      return renderRevisions(document, style, wide);
    default:
      return renderTable(document, style, wide);
  }
}
