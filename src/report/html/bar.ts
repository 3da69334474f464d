import { type Content, html, type Markup } from "./markup.ts";
import { type BarPart, type Segment, segmentsOf } from "./segments.ts";
import { BAR_ORDER, type Counts, type Share } from "./shares.ts";

/**
 * Draws numbers by verdict as one bar. The numbers are beside it, so that the bar itself is hidden from
 * screen readers.
 */
export function verdictBar(counts: Counts): Markup {
  return bar(segmentsOf(verdictParts(counts)));
}

/** Lists the numbers of a bar: a name with its color for each verdict. */
export function verdictList(counts: Counts): Content {
  return partList(verdictParts(counts));
}

/** Draws a bar above its numbers. Without numbers, draws nothing. */
export function numberedBar(parts: readonly BarPart[]): Content {
  if (parts.every(({ number }) => number === 0)) return undefined;
  return html`<div class="overall">${bar(segmentsOf(parts))}${partList(parts)}</div>`;
}

/** Returns the parts of a bar of verdicts. */
export function verdictParts(counts: Counts): readonly BarPart[] {
  return BAR_ORDER.map((verdict) => ({
    kind: `v-${verdict}`,
    name: verdict,
    number: counts[verdict] ?? 0,
  }));
}

function partList(parts: readonly BarPart[]): Content {
  return parts
    .filter(({ number }) => number > 0)
    .map(({ kind, name, number }) => html`<span class="count ${kind}">${number} ${name}</span> `);
}

/** Draws a part of a whole as a bar. */
export function partBar(part: number, whole: number, kind: string): Markup {
  return bar([{ kind, start: 0, width: whole === 0 ? 0 : (part * 100) / whole }]);
}

/** Draws a bar. */
export function bar(segments: readonly Segment[]): Markup {
  // The policy of the page forbids style attributes, but not the attributes of SVG.
  return html`<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
    ${segments.map(
      ({ kind, start, width }) =>
        html`<rect class="${kind}" x="${rounded(start)}" width="${rounded(width)}" height="10" />`,
    )}
  </svg>`;
}

function rounded(number: number): number {
  return Math.round(number * 100) / 100;
}

/** Formats a share: `25 %`; a dash if nothing is judged. */
export function percentText({ percent }: Pick<Share, "percent">): string {
  return percent === undefined ? "-" : `${percent} %`;
}

/** Formats a verdict in its color. */
export function verdictChip(verdict: string, text = verdict): Markup {
  return html`<span class="chip v-${verdict}">${text}</span>`;
}
