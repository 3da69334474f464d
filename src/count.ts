/**
 * A number with its noun, and where one is given its verb: `2 pods`, `1 pod is`.
 *
 * @param verb in the singular and in the plural.
 */
export function count(number: number, noun: string, verb?: readonly [one: string, many: string]) {
  const [one, many] = verb?.map((word) => ` ${word}`) ?? ["", ""];
  return number === 1 ? `1 ${noun}${one}` : `${number} ${noun}s${many}`;
}
