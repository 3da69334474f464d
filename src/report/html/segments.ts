/** A number in a bar. */
export interface BarPart {
  /** The class that has the color, such as `v-outdated` for a verdict. */
  readonly kind: string;
  readonly name: string;
  readonly number: number;
}

/** A part of a bar as it is drawn: where it begins and how wide it is, in percent. */
export interface Segment {
  readonly kind: string;
  readonly start: number;
  readonly width: number;
}

/** A narrower segment would be invisible, for example one workload of 2,000 that would lose its sidecar. */
const NARROWEST = 1.5;

/** Returns the segments of a bar. Each number except 0 is visible, and together they fill the bar. */
export function segmentsOf(parts: readonly BarPart[]): readonly Segment[] {
  const present = parts.filter(({ number }) => number > 0);
  const total = present.reduce((sum, { number }) => sum + number, 0);
  const wanted = present.map(({ number }) => Math.max(NARROWEST, (number * 100) / total));
  const scale = 100 / wanted.reduce((all, width) => all + width, 0);
  let start = 0;
  return present.map(({ kind }, index) => {
    const segment = { kind, start, width: (wanted[index] ?? 0) * scale };
    start += segment.width;
    return segment;
  });
}
