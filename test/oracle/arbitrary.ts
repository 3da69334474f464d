import { type Arbitrary, array, sample, tuple } from "fast-check";
import { place, WORKLOADS_PER_PLACE } from "./arbitrary-place.ts";
import { planes } from "./arbitrary-plane.ts";
import type { World } from "./world.ts";

const PLACES = 8;
const WORKLOADS_PER_WORLD = PLACES * WORKLOADS_PER_PLACE;

/** The same seed gives the same worlds. */
export function sampleWorlds(seed: number, workloads: number): readonly World[] {
  const numRuns = Math.ceil(workloads / WORKLOADS_PER_WORLD);
  return sample(world(), { seed, numRuns });
}

function world(): Arbitrary<World> {
  const places = array(place(), { minLength: PLACES, maxLength: PLACES });
  return tuple(planes(), places).map(([both, all]) => ({ ...both, places: all }));
}
