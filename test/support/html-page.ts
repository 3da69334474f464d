import { SaxesParser } from "saxes";

/** An element of a page. */
export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly (Element | string)[];
}

/**
 * Parses a page. Its script and its style, which are the same in every page, are left out.
 *
 * @throws if the page is not well-formed.
 */
export function parsePage(text: string): Element {
  const root = { name: "", attributes: {}, children: [] as (Element | string)[] };
  const open = [root];
  const parser = new SaxesParser();
  parser.on("opentag", ({ name, attributes }) => {
    const element = { name, attributes: attributes as Record<string, string>, children: [] };
    open.at(-1)?.children.push(element);
    open.push(element);
  });
  parser.on("closetag", () => void open.pop());
  parser.on("text", (found) => void open.at(-1)?.children.push(found));
  parser.on("error", (error) => {
    throw error;
  });
  parser.write(text.replace(/(<(script|style)>).*?(?=<\/\2>)/gs, "$1")).close();
  return root;
}

/** Returns the elements for which a condition holds, in the order of the page. */
export function findElements(
  root: Element,
  matches: (element: Element) => boolean,
): readonly Element[] {
  return root.children.flatMap((child) =>
    typeof child === "string"
      ? []
      : [...(matches(child) ? [child] : []), ...findElements(child, matches)],
  );
}

/** The text of an element as a reader sees it, apart from line breaks. */
export function shownText(element: Element): string {
  return wholeText(element).replace(/\s+/g, " ").trim();
}

function wholeText({ children }: Element): string {
  return children.map((child) => (typeof child === "string" ? child : wholeText(child))).join("");
}

/** Returns the texts of the cells of a table, row by row, without its headings. */
export function pageRows(page: Element, label: string): readonly (readonly string[])[] {
  const [table] = findElements(
    page,
    ({ name, attributes }) => name === "table" && attributes["aria-label"] === label,
  );
  const bodies = table === undefined ? [] : findElements(table, ({ name }) => name === "tbody");
  return bodies
    .flatMap((body) => findElements(body, ({ name }) => name === "tr"))
    .map((row) => findElements(row, ({ name }) => name === "td" || name === "th").map(shownText));
}

/** Returns the text of the headline of a page, with its tone. */
export function pageHeadline(page: Element): { readonly tone: string; readonly text: string } {
  const [headline] = findElements(page, ({ attributes }) =>
    (attributes["class"] ?? "").startsWith("headline "),
  );
  if (headline === undefined) throw new Error("the page has no headline");
  const [text] = findElements(headline, ({ attributes }) => attributes["class"] === "text");
  return {
    tone: headline.attributes["class"]?.split(" ")[1] ?? "",
    text: text === undefined ? "" : shownText(text),
  };
}
