import { type Arbitrary, array, sample, tuple } from "fast-check";
import { place, WORKLOADS_PER_PLACE } from "./arbitrary-place.ts";
import { planes } from "./arbitrary-plane.ts";
import type { World } from "./world.ts";

const PLACES = 4;
const WORKLOADS_PER_WORLD = PLACES * WORKLOADS_PER_PLACE;

/** Worlds with at least so many workloads. The same seed gives the same worlds. */
export function sampleWorlds(seed: number, workloads: number): readonly World[] {
  const needed = Math.ceil(workloads / WORKLOADS_PER_WORLD);
  // Bare pods that are refused do not exist: a few worlds more make up for them.
  return sample(world(), { seed, numRuns: Math.ceil(needed * 1.1) + 1 });
}

function world(): Arbitrary<World> {
  const places = array(place(), { minLength: PLACES, maxLength: PLACES });
  return tuple(planes(), places).map(([both, all]) => ({ ...both, places: all }));
}
