import type { Case } from "./world.ts";

/**
 * Cases that are kept: once found in a random world, reduced, and held from then on. `plane` and
 * `place` are shorthands for worlds in which nothing moved.
 */
export const CASES: readonly (readonly [name: string, kept: Case])[] = [];
