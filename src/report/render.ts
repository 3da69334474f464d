import type { OUTPUTS } from "../settings.ts";
import type { AnyDocument } from "./document.ts";
import { jsonLinePieces, jsonPieces, withEnd } from "./json.ts";
import type { Style } from "./style.ts";

/** Renders a document as the text for stdout, in pieces. */
export type Renderer = (document: AnyDocument, style: Style) => Iterable<string>;

/** The renderers. A format is imported when it is used. */
const LOADERS: Readonly<Record<(typeof OUTPUTS)[number], () => Promise<Renderer>>> = {
  table: async () => {
    const { renderText } = await import("./text.ts");
    return (document, style) => renderText(document, style, false);
  },
  wide: async () => {
    const { renderText } = await import("./text.ts");
    return (document, style) => renderText(document, style, true);
  },
  json: async () => (document) => withEnd(jsonPieces(document)),
  // The events precede this line.
  jsonl: async () => (document) => withEnd(jsonLinePieces(document)),
  markdown: async () => {
    const { renderMarkdown } = await import("./markdown.ts");
    return (document) => [renderMarkdown(document)];
  },
  junit: async () => {
    const { renderJunit } = await import("./junit.ts");
    return renderJunit;
  },
  html: async () => {
    const { renderHtml } = await import("./html/document-page.ts");
    return renderHtml;
  },
  prometheus: async () => {
    const { renderPrometheus } = await import("./prometheus.ts");
    return renderPrometheus;
  },
};

export function loadRenderer(output: (typeof OUTPUTS)[number]): Promise<Renderer> {
  return LOADERS[output]();
}
