/**
 * Formats a number with its noun and an optional verb: `2 pods`, `1 pod is`.
 *
 * @param verb the singular and the plural.
 */
export function count(number: number, noun: string, verb?: readonly [one: string, many: string]) {
  const [one, many] = verb?.map((word) => ` ${word}`) ?? ["", ""];
  return number === 1 ? `1 ${noun}${one}` : `${number} ${noun}s${many}`;
}

/**
 * Lists a few names and the number of the others: `shop, pay, vault and 12 more`.
 *
 * @param names the names to show.
 * @param total the number of all names.
 */
export function listing(names: readonly string[], total: number): string {
  const more = total - names.length;
  return more > 0 ? `${names.join(", ")} and ${more} more` : names.join(", ");
}

/** Begins a text with a capital letter. */
export function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
