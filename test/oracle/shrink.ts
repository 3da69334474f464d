import { isDeepStrictEqual } from "node:util";
import type { RealCluster } from "../testbed/real-cluster.ts";
import { applyWorld, removeWorkloads } from "./applied-workload.ts";
import { type Comparison, compare } from "./comparison.ts";
import type { InstalledControlPlane } from "./installed-control-plane.ts";
import type { Case, ControlPlane, World } from "./world.ts";

/** Describes a disagreement. A smaller world must have a disagreement with the same description. */
export function disagreementOf({ actual, reported, prove }: Comparison): string {
  const target = actual.verdict === reported?.verdict ? ", another target" : "";
  const code = reported === undefined ? "" : ` (${reported.code})`;
  return `${actual.verdict}, not ${reported?.verdict ?? "unlisted"}${code}${target}, --prove=${prove}`;
}

const TIMEOUT_MS = 120_000;

/** Finds within two minutes the smallest world with the same disagreement. */
export async function shrink(
  cluster: RealCluster,
  installed: InstalledControlPlane,
  disagreed: Comparison,
): Promise<Comparison> {
  const wanted = disagreementOf(disagreed);
  const deadline = Date.now() + TIMEOUT_MS;
  let best = disagreed;
  // Each change of the control plane takes seconds, so the workloads shrink last, all at once.
  for (const smaller of [oneControlPlane, smallerControlPlanes, smallerWorkloads]) {
    for (let found = true; found;) {
      found = false;
      for (const world of smaller(best.applied.case)) {
        if (Date.now() > deadline) return best;
        const disagreements = await disagreementsIn(cluster, installed, world);
        const same = disagreements.find((one) => disagreementOf(one) === wanted);
        if (same === undefined) continue;
        best = same;
        found = true;
        break;
      }
    }
  }
  return best;
}

async function disagreementsIn(
  cluster: RealCluster,
  installed: InstalledControlPlane,
  world: World,
): Promise<readonly Comparison[]> {
  const applied = await applyWorld(cluster, installed, world);
  const compared = await compare(cluster, applied);
  await removeWorkloads(cluster, applied);
  return compared.filter(({ result }) => result === "disagreed");
}

/** Proposes the same control plane in both steps, which makes all further attempts fast. */
function oneControlPlane({ before, now, namespaceLabels, workload }: Case): readonly World[] {
  if (isDeepStrictEqual(before, now)) return [];
  return [
    {
      before: now,
      now,
      namespaces: [{ ...namespaceLabels, workloads: [{ ...workload, when: "now" }] }],
    },
  ];
}

/** Proposes one world with all smaller workloads, ordered from the largest reduction to the smallest. */
function smallerWorkloads(one: Case): readonly World[] {
  const { workload, namespaceLabels, before, now } = one;
  const candidates: Case[] = [];
  if (workload.when === "before") {
    candidates.push({
      ...one,
      namespaceLabels: { ...namespaceLabels, before: namespaceLabels.now },
      workload: { ...workload, when: "now" },
    });
  }
  if (!isDeepStrictEqual(namespaceLabels.before, namespaceLabels.now)) {
    candidates.push({
      ...one,
      namespaceLabels: { before: namespaceLabels.now, now: namespaceLabels.now },
    });
  }
  if (workload.kind !== "Deployment") {
    candidates.push({ ...one, workload: { ...workload, kind: "Deployment" } });
  }
  const { kind, when, ...rest } = workload;
  for (const smaller of without(rest)) {
    candidates.push({ ...one, workload: { kind, when, ...smaller } });
  }
  for (const smaller of without(namespaceLabels.now)) {
    candidates.push({ ...one, namespaceLabels: { ...namespaceLabels, now: smaller } });
    candidates.push({ ...one, namespaceLabels: { before: smaller, now: smaller } });
  }
  for (const smaller of without(namespaceLabels.before)) {
    candidates.push({ ...one, namespaceLabels: { ...namespaceLabels, before: smaller } });
  }
  if (candidates.length === 0) return [];
  const namespaces = candidates.map((candidate) => ({
    ...candidate.namespaceLabels,
    workloads: [candidate.workload],
  }));
  return [{ before, now, namespaces }];
}

function smallerControlPlanes({ before, now, namespaceLabels, workload }: Case): readonly World[] {
  const namespaces = [{ ...namespaceLabels, workloads: [workload] }];
  const isOneStep = workload.when === "now" || isDeepStrictEqual(before, now);
  if (isOneStep)
    return smallerControlPlane(now).map((controlPlane) => ({
      before: controlPlane,
      now: controlPlane,
      namespaces,
    }));
  return [
    { before: now, now, namespaces },
    ...smallerControlPlane(now).map((controlPlane) => ({ before, now: controlPlane, namespaces })),
    ...smallerControlPlane(before).map((controlPlane) => ({
      before: controlPlane,
      now,
      namespaces,
    })),
  ];
}

function smallerControlPlane({ revisions, tags = {} }: ControlPlane): readonly ControlPlane[] {
  return [
    ...without(tags).map((fewer) => ({ revisions, tags: fewer })),
    ...without(revisions).map((fewer) => ({ revisions: fewer, tags })),
  ];
}

/** Every copy of a value that lacks one field, at any depth. Lists are kept or dropped as a whole. */
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
