import type { OUTPUTS } from "../settings.ts";
import type { Report } from "./document.ts";
import type { Style } from "./style.ts";
import { renderTable } from "./table.ts";

/** A report as the text that stdout gets. */
export type Renderer = (report: Report, style: Style) => string;

export const RENDERERS: Readonly<Record<(typeof OUTPUTS)[number], Renderer>> = {
  table: (report, style) => renderTable(report, style, false),
  wide: (report, style) => renderTable(report, style, true),
  json: (report) => `${JSON.stringify(report, undefined, 2)}\n`,
};
