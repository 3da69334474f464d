import type { OUTPUTS } from "../settings.ts";
import type { AnyDocument } from "./document.ts";
import { toJson } from "./json.ts";
import type { Style } from "./style.ts";

/** A document as the text that stdout gets. */
export type Renderer = (document: AnyDocument, style: Style) => string;

/** Each format is loaded when it is asked for. */
const LOADERS: Readonly<Record<(typeof OUTPUTS)[number], () => Promise<Renderer>>> = {
  table: async () => {
    const { renderText } = await import("./text.ts");
    return (document, style) => renderText(document, style, false);
  },
  wide: async () => {
    const { renderText } = await import("./text.ts");
    return (document, style) => renderText(document, style, true);
  },
  json: async () => (document) => `${toJson(document, 2)}\n`,
  // The events of a restart came before it.
  jsonl: async () => (document) => `${toJson(document)}\n`,
  markdown: async () => (await import("./markdown.ts")).renderMarkdown,
  junit: async () => (await import("./junit.ts")).renderJunit,
};

export function loadRenderer(output: (typeof OUTPUTS)[number]): Promise<Renderer> {
  return LOADERS[output]();
}
