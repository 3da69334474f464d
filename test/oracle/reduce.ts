import { isDeepStrictEqual } from "node:util";
import type { RealCluster } from "../testbed/real-cluster.ts";
import { applyWorld, removePlaced } from "./apply.ts";
import { type Compared, compare } from "./compare.ts";
import type { Stage } from "./plane.ts";
import type { Case, Plane, World } from "./world.ts";

/** What a disagreement is about: a smaller world must show the same. */
export function classOf({ truth, said, prove }: Compared): string {
  const target = truth.verdict === said?.verdict ? ", another target" : "";
  const code = said === undefined ? "" : ` (${said.code})`;
  return `${truth.verdict}, not ${said?.verdict ?? "unlisted"}${code}${target}, --prove=${prove}`;
}

const PATIENCE = 120_000;

/** The smallest world found in two minutes that disagrees in the same way. */
export async function reduce(
  cluster: RealCluster,
  stage: Stage,
  disagreed: Compared,
): Promise<Compared> {
  const wanted = classOf(disagreed);
  const deadline = Date.now() + PATIENCE;
  let best = disagreed;
  // One state of the control plane serves all smaller workloads; another one costs seconds each.
  for (const smaller of [onePlane, smallerPlanes, smallerWorkloads]) {
    for (let found = true; found;) {
      found = false;
      for (const world of smaller(best.placed.case)) {
        if (Date.now() > deadline) return best;
        const disagreements = await tryWorld(cluster, stage, world);
        const same = disagreements.find((one) => classOf(one) === wanted);
        if (same === undefined) continue;
        best = same;
        found = true;
        break;
      }
    }
  }
  return best;
}

async function tryWorld(
  cluster: RealCluster,
  stage: Stage,
  world: World,
): Promise<readonly Compared[]> {
  const placed = await applyWorld(cluster, stage, world);
  const compared = await compare(cluster, placed);
  await removePlaced(cluster, placed);
  return compared.filter(({ result }) => result === "disagreed");
}

/** With nothing to move between, all further tries are quick. */
function onePlane({ before, now, place, workload }: Case): readonly World[] {
  if (isDeepStrictEqual(before, now)) return [];
  return [{ before: now, now, places: [{ ...place, workloads: [{ ...workload, when: "now" }] }] }];
}

/** One world with all steps at once, in the order of how much they take away. */
function smallerWorkloads(one: Case): readonly World[] {
  const { workload, place, before, now } = one;
  const steps: Case[] = [];
  if (workload.when === "before") {
    steps.push({
      ...one,
      place: { ...place, before: place.now },
      workload: { ...workload, when: "now" },
    });
  }
  if (!isDeepStrictEqual(place.before, place.now)) {
    steps.push({ ...one, place: { before: place.now, now: place.now } });
  }
  if (workload.kind !== "Deployment") {
    steps.push({ ...one, workload: { ...workload, kind: "Deployment" } });
  }
  const { kind, when, ...rest } = workload;
  for (const smaller of without(rest)) {
    steps.push({ ...one, workload: { kind, when, ...smaller } });
  }
  for (const smaller of without(place.now)) {
    steps.push({ ...one, place: { ...place, now: smaller } });
    steps.push({ ...one, place: { before: smaller, now: smaller } });
  }
  for (const smaller of without(place.before)) {
    steps.push({ ...one, place: { ...place, before: smaller } });
  }
  if (steps.length === 0) return [];
  const places = steps.map((step) => ({ ...step.place, workloads: [step.workload] }));
  return [{ before, now, places }];
}

function smallerPlanes({ before, now, place, workload }: Case): readonly World[] {
  const places = [{ ...place, workloads: [workload] }];
  const late = workload.when === "now" || isDeepStrictEqual(before, now);
  if (late) return smallerPlane(now).map((plane) => ({ before: plane, now: plane, places }));
  return [
    { before: now, now, places },
    ...smallerPlane(now).map((plane) => ({ before, now: plane, places })),
    ...smallerPlane(before).map((plane) => ({ before: plane, now, places })),
  ];
}

function smallerPlane({ revisions, tags = {} }: Plane): readonly Plane[] {
  return [
    ...without(tags).map((fewer) => ({ revisions, tags: fewer })),
    ...without(revisions).map((fewer) => ({ revisions: fewer, tags })),
  ];
}

/** Every way of leaving out one field, at any depth; lists are kept or left out as a whole. */
function without<Value extends object>(value: Value): readonly Value[] {
  return Object.entries(value).flatMap(([key, field]) => {
    const { [key as keyof Value]: _, ...rest } = value;
    const shorter = [rest as Value];
    if (typeof field !== "object" || field === null || Array.isArray(field)) return shorter;
    if ("hub" in field) return shorter;
    const deeper = without(field as object).map((part) => ({ ...value, [key]: part }));
    return [...shorter, ...deeper];
  });
}
