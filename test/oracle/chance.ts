import { type Arbitrary, constant, oneof, record } from "fast-check";

/** True once in the given number of times. */
export function sometimes(times: number): Arbitrary<boolean> {
  return oneOf([times - 1, constant(false)], [1, constant(true)]);
}

/** The value once in the given number of times, otherwise `undefined`. */
export function unlikely<Value>(times: number, value: Arbitrary<Value>) {
  return oneOf<Value | undefined>([times - 1, constant(undefined)], [1, value]);
}

/** `undefined` once in the given number of times, otherwise the value. */
export function likely<Value>(times: number, value: Arbitrary<Value>) {
  return oneOf<Value | undefined>([1, constant(undefined)], [times - 1, value]);
}

/** One of the choices, each with a weight. */
export function oneOf<Value>(...choices: [weight: number, arbitrary: Arbitrary<Value>][]) {
  return oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })));
}

/** A record without the fields whose values are undefined or empty. */
export function compact<Made>(
  fields: Readonly<Record<keyof Made & string, Arbitrary<unknown>>>,
): Arbitrary<Made> {
  return record(fields as Record<string, Arbitrary<unknown>>).map((made) => {
    const present = Object.entries(made).filter(([, value]) => value !== undefined);
    return Object.fromEntries(present.filter(([, value]) => !isEmpty(value))) as Made;
  });
}

function isEmpty(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.keys(value).length === 0
  );
}
