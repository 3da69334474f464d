import { type Arbitrary, array, sample, tuple } from "fast-check";
import { testNamespace, WORKLOADS_PER_NAMESPACE } from "./arbitrary-namespace.ts";
import { controlPlanes } from "./arbitrary-control-plane.ts";
import type { World } from "./world.ts";

const NAMESPACES = 5;
const WORKLOADS_PER_WORLD = NAMESPACES * WORKLOADS_PER_NAMESPACE;

/** Generates worlds with at least the given number of workloads. The same seed gives the same worlds. */
export function sampleWorlds(seed: number, workloads: number): readonly World[] {
  const needed = Math.ceil(workloads / WORKLOADS_PER_WORLD);
  // The API server may reject bare pods, so a few more worlds are necessary.
  return sample(world(), { seed, numRuns: Math.ceil(needed * 1.1) + 1 });
}

function world(): Arbitrary<World> {
  const namespaces = array(testNamespace(), { minLength: NAMESPACES, maxLength: NAMESPACES });
  return tuple(controlPlanes(), namespaces).map(([steps, all]) => ({ ...steps, namespaces: all }));
}
