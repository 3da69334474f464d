import type { AnyDocument } from "./document.ts";
import { renderExplanation } from "./explanation-text.ts";
import { renderFleet } from "./fleet-text.ts";
import { renderRevisions } from "./revisions-text.ts";
import { renderStatus } from "./status-text.ts";
import type { Style } from "./style.ts";
import { renderReport } from "./report-text.ts";

/** Renders a document for a person. */
export function renderText(document: AnyDocument, style: Style, wide: boolean): Iterable<string> {
  switch (document.kind) {
    case "Explanation":
      return renderExplanation(document, style, wide);
    case "RevisionsReport":
      return renderRevisions(document, style, wide);
    case "StatusReport":
      return renderStatus(document, style, wide);
    case "FleetReport":
      return renderFleet(document, style, wide, renderText);
    default:
      return renderReport(document, style, wide);
  }
}
