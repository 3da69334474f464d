/**
 * `shop, pay, vault and 12 more`
 *
 * @param names those to be shown.
 * @param all how many there are.
 */
export function listing(names: readonly string[], all: number): string {
  const more = all - names.length;
  return more > 0 ? `${names.join(", ")} and ${more} more` : names.join(", ");
}
