import { type Content, html, type Markup } from "./markup.ts";

/** A column of a table. */
export interface Column {
  readonly name: string;
  /** The class of its cells, such as `number`. */
  readonly kind?: string;
}

type Row = readonly Content[];

/** The place of sections on a page with several clusters: what precedes their ids, and follows their titles. */
export interface Place {
  readonly id: string;
  readonly title: string;
}

/** The place of sections on a page about one cluster. */
export const ALONE: Place = { id: "", title: "" };

/** Returns a section with its title. Without content, returns nothing. */
export function section(id: string, title: Content, content: Content): Content {
  if (content === undefined || (Array.isArray(content) && content.length === 0)) return undefined;
  return html`<section id="${id}" aria-labelledby="${id}-title">
    <h2 id="${id}-title">${title}</h2>
    ${content}
  </section> `;
}

/**
 * Returns a table whose first column names its rows. On a narrow screen each row is a card, in which
 * the cells have the names of their columns. Columns without any text are left out, and so is an empty
 * table.
 *
 * @param label the name of the table for those who do not see its title.
 */
export function table(
  label: string,
  columns: readonly Column[],
  rows: readonly Row[],
): Markup | undefined {
  if (rows.length === 0) return undefined;
  const kept = columns
    .map((column, index) => ({ ...column, index }))
    .filter(({ index }) => index === 0 || rows.some((row) => hasText(row[index])));
  return html`<table class="cards" aria-label="${label}">
    <thead>
      <tr>
        ${kept.map(({ name, kind }) => html`<th scope="col" class="${kind ?? ""}">${name}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (row) =>
          html`<tr>
            ${kept.map((column) => cell(column, row[column.index]))}
          </tr> `,
      )}
    </tbody>
  </table>`;
}

function hasText(content: Content): boolean {
  return content !== undefined && content !== "";
}

function cell(column: Column & { readonly index: number }, content: Content): Markup {
  const { index, name, kind = "" } = column;
  if (index === 0) return html`<th scope="row" class="${kind}">${content}</th>`;
  return hasText(content)
    ? html`<td class="${kind}" data-label="${name}">${content}</td>`
    : html`<td class="${kind} empty"></td>`;
}
