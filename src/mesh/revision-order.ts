let collator: Intl.Collator | undefined;

/**
 * Compares the names of revisions so that asm-1-9 comes before asm-1-27. The collator takes longer to
 * create than a check of a small cluster takes to decide, so that it is created for the first comparison.
 */
export function compareRevisions(one: string, other: string): number {
  collator ??= new Intl.Collator("en", { numeric: true });
  return collator.compare(one, other);
}
