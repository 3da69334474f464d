import {
  type Arbitrary,
  array,
  constant,
  constantFrom,
  integer,
  noBias,
  sample,
  tuple,
} from "fast-check";
import { compact, likely, oneOf, unlikely } from "../oracle/chance.ts";
import {
  type Change,
  type ChangeKind,
  type Fate,
  HARMFUL_CHANGES,
  HARMLESS_CHANGES,
  KINDS,
  REVISIONS,
  type RunPlan,
  TAG,
  type TestNamespace,
  WIDE_CHANGES,
  type Workload,
  type World,
} from "./world.ts";

/** The milliseconds in which others make their changes. */
const CHANGING = 9000;

/** Generates worlds. The same seed gives the same worlds, and more of them begin with the same ones. */
export function sampleWorlds(seed: number, worlds: number): readonly World[] {
  // Without a preference for the smallest numbers, changes and signals come at any time.
  return sample(noBias(world()), { seed, numRuns: worlds });
}

function world(): Arbitrary<World> {
  const namespaces = array(testNamespace(), { minLength: 1, maxLength: 3 });
  const second = oneOf<RunPlan | undefined>(
    [3, constant(undefined)],
    [3, runPlan({ latest: 2000 })],
    [2, runPlan({ latest: 500, afterFirst: true })],
  );
  const changes = array(change(), { minLength: 0, maxLength: 9 });
  return tuple(namespaces, runPlan({ latest: 0 }), second, changes).map(
    ([all, first, other, list]) => ({
      namespaces: all,
      runs: other === undefined ? [first] : [first, other],
      changes: list.toSorted((a, b) => a.at - b.at),
    }),
  );
}

function testNamespace(): Arbitrary<TestNamespace> {
  return tuple(
    oneOf<TestNamespace["label"]>([3, constantFrom(...REVISIONS)], [1, constant(TAG)]),
    array(workload(), { minLength: 2, maxLength: 5 }),
  ).map(([label, workloads]) => ({ label, workloads }));
}

function workload(): Arbitrary<Workload> {
  return compact<Workload>({
    kind: constantFrom("Deployment" as const, "Deployment" as const, ...KINDS),
    replicas: integer({ min: 1, max: 3 }),
    readyAfter: unlikely(2, integer({ min: 1, max: 4 })),
    drain: unlikely(5, integer({ min: 1, max: 3 })),
    strategy: unlikely(3, constantFrom("Recreate", "NoSurge", "Parallel", "Parallel")),
    failRestarted: unlikely(25, constantFrom("CrashLoopBackOff", "ErrImagePull", "Stumble")),
  });
}

/** @param latest the highest delay, in milliseconds. */
function runPlan({
  latest,
  afterFirst,
}: {
  readonly latest: number;
  readonly afterFirst?: true;
}): Arbitrary<RunPlan> {
  return compact<RunPlan>({
    delay: integer({ min: 0, max: latest }),
    afterFirst: constant(afterFirst),
    bySelector: unlikely(4, constant(true)),
    maxParallel: constantFrom(1, 3, 8),
    allowDowntime: likely(5, constant(true)),
    allowRevision: unlikely(3, constantFrom(...REVISIONS)),
    signal: unlikely(3, signal()),
    restarts: oneOf<readonly Fate[]>(
      [2, constant([])],
      [1, array(constantFrom<Fate>("arrives", "unsent", "unanswered"), { maxLength: 6 })],
    ),
    lostRead: unlikely(5, integer({ min: 7, max: 60 })),
  }).map((plan) => ({ ...plan, restarts: plan.restarts ?? [] }));
}

function signal(): Arbitrary<NonNullable<RunPlan["signal"]>> {
  return compact<NonNullable<RunPlan["signal"]>>({
    name: constantFrom("SIGINT", "SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"),
    at: integer({ min: 300, max: 10_000 }),
    again: unlikely(2, integer({ min: 0, max: 3000 })),
  });
}

function change(): Arbitrary<Change> {
  return tuple(
    integer({ min: 0, max: CHANGING }),
    oneOf<ChangeKind>(
      [8, constantFrom(...HARMLESS_CHANGES)],
      [2, constantFrom(...HARMFUL_CHANGES)],
      [1, constantFrom(...WIDE_CHANGES)],
    ),
    integer({ min: 0, max: 999 }),
    integer({ min: 0, max: 999 }),
  ).map(([at, kind, index, value]) => ({ at, kind, workload: index, value }));
}
