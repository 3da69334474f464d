import type { OUTPUTS } from "../settings.ts";
import type { AnyDocument } from "./document.ts";
import { jsonPieces, toJson } from "./json.ts";
import type { Style } from "./style.ts";

/** A document as the text that stdout gets, piece by piece. */
export type Renderer = (document: AnyDocument, style: Style) => Iterable<string>;

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
  json: async () => (document) => withEnd(jsonPieces(document)),
  // The events of a restart came before it.
  jsonl: async () => (document) => [`${toJson(document)}\n`],
  markdown: async () => {
    const { renderMarkdown } = await import("./markdown.ts");
    return (document) => [renderMarkdown(document)];
  },
  junit: async () => {
    const { renderJunit } = await import("./junit.ts");
    return renderJunit;
  },
};

function* withEnd(pieces: Iterable<string>): Generator<string> {
  yield* pieces;
  yield "\n";
}

export function loadRenderer(output: (typeof OUTPUTS)[number]): Promise<Renderer> {
  return LOADERS[output]();
}
