/** The time for which pods have been outdated, as an interval in seconds. */
export interface Age {
  /** `undefined` if nothing says since when their sidecar is outdated. */
  readonly atLeast: number | undefined;
  /** The age of the oldest pod; `undefined` if it is unknown. */
  readonly atMost: number | undefined;
}

/** The age of outdated pods about which nothing is known. */
export const UNKNOWN_AGE: Age = { atLeast: undefined, atMost: undefined };

/**
 * Returns the age of the oldest of several. If one of them may be older than the others, but its age is
 * unknown, the interval has no upper bound.
 */
export function oldestAge(ages: readonly Age[]): Age {
  const known = ages.flatMap(({ atLeast }) => atLeast ?? []);
  const most = ages.flatMap(({ atMost }) => atMost ?? []);
  return {
    atLeast: known.length === 0 ? undefined : largest(known),
    atMost: most.length === 0 || most.length < ages.length ? undefined : largest(most),
  };
}

function largest(numbers: readonly number[]): number {
  return numbers.reduce((max, number) => Math.max(max, number), 0);
}

/** True if pods are outdated for no longer than `limit` seconds, or not certainly for longer. */
export function isWithin({ atLeast, atMost }: Age, limit: number): boolean {
  // Without a lower bound, only the upper one rules out that the pods are older.
  return atLeast === undefined ? atMost !== undefined && atMost <= limit : atLeast <= limit;
}
