import * as fc from "fast-check";

/** The number of runs per parser; `FUZZ_RUNS=100000` takes minutes and finds more. */
export const RUNS = { numRuns: Number(process.env["FUZZ_RUNS"] ?? 300) };

type Mutation = (bytes: Buffer) => Buffer;

const at = fc.double({ min: 0, max: 1, noNaN: true });
const indexAt = (bytes: Buffer, where: number) => Math.floor(where * bytes.length);

/** Bytes that binary formats use for lengths and numbers. */
const LENGTHS = "ffffffff0f ffffffffffffffffff01 80808080808080808080 00 0b 7f"
  .split(" ")
  .map((hex) => Buffer.from(hex, "hex"));
/** Texts that have a meaning in JSON, YAML or Go templates. */
const PIECES = (
  "{ } [ ] : , \" ' \\ \n - &a *a <<: !!js/function !!omap ? | > % @ / .. __proto__ constructor " +
  "{{ }} null 1e999 \0 \ufeff \ud800"
).split(" ");

/** The mutations of valid bytes: damage, truncation and attacks. */
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  // Flips a bit.
  fc.tuple(at, fc.nat(7)).map(([where, bit]) => (bytes: Buffer) => {
    const index = indexAt(bytes, where);
    return Buffer.from(bytes.map((byte, own) => (own === index ? byte ^ (1 << bit) : byte)));
  }),
  // Truncates the bytes.
  at.map((where) => (bytes: Buffer) => bytes.subarray(0, indexAt(bytes, where))),
  // Removes or repeats a part.
  fc.tuple(at, at, fc.nat(3)).map(([one, other, times]) => (bytes: Buffer) => {
    const [from = 0, to = 0] = [indexAt(bytes, one), indexAt(bytes, other)].sort((a, b) => a - b);
    const middle = Array.from({ length: times }, () => bytes.subarray(from, to));
    return Buffer.concat([bytes.subarray(0, from), ...middle, bytes.subarray(to)]);
  }),
  // Inserts random bytes, a length, or a text with a meaning.
  fc
    .tuple(
      at,
      fc.oneof(
        fc.uint8Array({ maxLength: 12 }),
        fc.constantFrom(...LENGTHS),
        fc.constantFrom(...PIECES).map((text) => Buffer.from(text)),
      ),
    )
    .map(([where, more]) => (bytes: Buffer) => {
      const index = indexAt(bytes, where);
      return Buffer.concat([bytes.subarray(0, index), more, bytes.subarray(index)]);
    }),
);

/** Returns seeds that are mutated a few times each. */
export function mutated(seeds: readonly (Buffer | string)[]): fc.Arbitrary<Buffer> {
  return fc
    .tuple(
      fc.constantFrom(...seeds.map((seed) => Buffer.from(seed))),
      fc.array(mutation, { minLength: 1, maxLength: 5 }),
    )
    .map(([seed, mutations]) => mutations.reduce((bytes: Buffer, mutate) => mutate(bytes), seed));
}

export function mutatedText(seeds: readonly string[]): fc.Arbitrary<string> {
  return mutated(seeds).map((bytes) => bytes.toString("utf8"));
}
