import { plain, plainCommand } from "../plain.ts";
import { stepParts } from "../step-parts.ts";

const TEXT = Symbol("markup");

/** Text in HTML whose values are escaped. Only this file creates it. */
export interface Markup {
  readonly [TEXT]: string;
}

/** A value in a template. Strings are text, not HTML. */
export type Content = string | number | Markup | undefined | readonly Content[];

/**
 * Returns HTML, which is well-formed XML as well. Strings between its tags and in its attributes are
 * made printable and escaped, so that text from a cluster stays text.
 */
export function html(texts: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return markup(
    withoutIndentation(texts)
      .map((text, index) => text + rendered(values[index]))
      .join(""),
  );
}

const KNOWN = new WeakMap<TemplateStringsArray, readonly string[]>();

/** The formatter of the sources indents templates. In HTML, one line break means the same. */
function withoutIndentation(texts: TemplateStringsArray): readonly string[] {
  const known = KNOWN.get(texts);
  if (known !== undefined) return known;
  const short = texts.map((text) => text.replace(/\s*\n\s*/g, "\n"));
  KNOWN.set(texts, short);
  return short;
}

/** The text of HTML that the template made. */
export function textOf(content: Markup): string {
  return content[TEXT];
}

/**
 * Returns a script or a style sheet as HTML.
 *
 * @param text constant: nothing in it is escaped.
 */
export function raw(text: string): Markup {
  return markup(text);
}

/** Formats a command, which is never cut. */
export function command(text: string): Markup {
  return markup(`<code class="command">${escaped(plainCommand(text))}</code>`);
}

/** Formats a next step: prose as text, and commands as code. */
export function stepMarkup(text: string): Markup {
  const parts = stepParts(plainCommand(text));
  // The spaces around a command belong to the prose.
  return html`${parts.map(({ kind, text: part }) => (kind === "command" ? command(part) : markup(escaped(part))))}`;
}

function markup(text: string): Markup {
  return { [TEXT]: text };
}

function rendered(value: Content): string {
  if (value === undefined) return "";
  if (typeof value === "string") return escaped(plain(value));
  if (typeof value === "number") return String(value);
  return TEXT in value ? value[TEXT] : value.map(rendered).join("");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}
