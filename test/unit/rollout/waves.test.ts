import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NO_CONSENT } from "../../../src/mesh/consent.ts";
import { planRestart } from "../../../src/rollout/plan.ts";
import {
  divideIntoWaves,
  formatWaveSizes,
  isFinished,
  membersOf,
  readWaveSizes,
  type Wave,
} from "../../../src/rollout/waves.ts";
import { RESTARTED_AT, type Workload } from "../../../src/snapshot.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { AKS_GATEWAY, deployment, otherWorkload } from "../../support/build/workload.ts";

const [LATE, TARGET] = [proxyImage("v1.27.7-1"), proxyImage("v1.27.9-6")];
const NOW = Date.parse("2026-11-26T20:00:00Z");

const late = (name: string) => deployment(name, { pods: [sidecars(2, LATE)] });

/** A workload on target; with a number, restarted at that minute. */
function current(name: string, minute?: number, updated = 2): Workload {
  const annotations =
    minute === undefined
      ? {}
      : { [RESTARTED_AT]: new Date(NOW - 3_600_000 + minute * 60_000).toISOString() };
  return deployment(name, {
    pods: [sidecars(2, TARGET)],
    template: { annotations },
    rollout: { status: { replicas: 2, updated, available: updated } },
  });
}

function wavesOf(sizes: string, workloads: readonly Workload[]): readonly Wave[] {
  const assessments = workloads.map((workload) => assessmentOf(workload));
  const plan = planRestart(assessments, NO_CONSENT, NOW, 7_200_000);
  return divideIntoWaves(readWaveSizes(sizes) ?? [], plan, assessments);
}

/** The names in each wave: those on target in brackets, and those to wait for with a `~`. */
function shown(waves: readonly Wave[]): readonly string[] {
  return waves.map(({ done, waits, steps }) =>
    [
      ...done.map(({ ref }) => `(${ref.name})`),
      ...waits.map(({ ref }) => `~${ref.name}`),
      ...steps.map(({ ref }) => ref.name),
    ].join(" "),
  );
}

const names = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => `w${String(from + index).padStart(2, "0")}`);

describe("the sizes of waves", () => {
  test.each(["1", "1,10%,50%", "5,20", "0.5%,10%", "100%", "10%,3"])("can be %s", (text) => {
    expect(formatWaveSizes(readWaveSizes(text) ?? [])).toBe(text);
  });

  test.each([
    "",
    "0",
    "0%",
    "1,",
    ",1",
    "1,1",
    "2,1",
    "50%,10%",
    "10%,10%",
    "101%",
    "1.5",
    "-1",
    "1 ,2",
    "one",
    "1%%",
    "1e3",
    "9".repeat(20),
  ])("cannot be %j", (text) => {
    expect(readWaveSizes(text)).toBeUndefined();
  });
});

describe("a plan in waves", () => {
  const twenty = names(1, 20).map(late);

  test("is cut at numbers and percentages of all workloads, and the last wave is the rest", () => {
    expect(wavesOf("1,10%,50%", twenty).map((wave) => wave.steps.length)).toEqual([1, 1, 8, 10]);
  });

  test("rounds percentages up, and leaves out a wave without a workload", () => {
    const waves = wavesOf("1,10%,50%", names(1, 3).map(late));
    expect(waves.map(({ number, steps }) => [number, steps.length])).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
    expect(shown(wavesOf("5,50", names(1, 3).map(late)))).toEqual(["w01 w02 w03"]);
    expect(shown(wavesOf("100%", names(1, 3).map(late)))).toEqual(["w01 w02 w03"]);
    expect(wavesOf("10%", names(1, 30).map(late))[0]?.steps).toHaveLength(3);
  });

  test("is one wave without sizes, and none without workloads", () => {
    expect(shown(divideIntoWaves([], planned(names(1, 2)), []))).toEqual(["w01 w02"]);
    expect(wavesOf("1", [])).toEqual([]);
  });

  test("counts workloads on target as done, those restarted last at the end", () => {
    const world = [current("z"), current("b", 1), current("a", 2), ...names(1, 3).map(late)];
    const waves = wavesOf("1,50%", world);
    expect(shown(waves)).toEqual(["(z)", "(b) (a)", "w01 w02 w03"]);
    expect(waves.map(isFinished)).toEqual([true, true, false]);
  });

  test("continues in the wave in which an earlier run ended", () => {
    const world = [current("a", 1), current("b", 2), ...names(1, 4).map(late)];
    expect(shown(wavesOf("1,50%", world))).toEqual(["(a)", "(b) w01", "w02 w03 w04"]);
  });

  test("puts a rollout that an earlier run left behind the workloads that are done", () => {
    const world = [current("a", 1), current("b", 2, 1), ...names(1, 2).map(late)];
    expect(shown(wavesOf("1,2", world))).toEqual(["(a)", "~b", "w01 w02"]);
  });

  test("does not count workloads that no restart would reach", () => {
    const zero = deployment("zero", { pods: [], rollout: { replicas: 0 } });
    const job = otherWorkload("Job", "import", { pods: [sidecars(1, TARGET)] });
    const gateway = deployment("gateway", { ...AKS_GATEWAY, pods: [sidecars(1, TARGET)] });
    expect(shown(wavesOf("1", [gateway, zero, job, late("web")]))).toEqual(["web"]);
  });
});

function planned(all: readonly string[]) {
  const assessments = all.map((name) => assessmentOf(late(name)));
  return planRestart(assessments, NO_CONSENT, NOW, 600_000);
}

describe("for any plan", () => {
  const size = fc.oneof(
    fc.integer({ min: 1, max: 30 }).map((value) => ({ kind: "count", value }) as const),
    fc.integer({ min: 1, max: 100 }).map((value) => ({ kind: "percent", value }) as const),
  );

  test("waves have every step once, in order, and none is empty", () => {
    fc.assert(
      fc.property(fc.array(size, { maxLength: 5 }), fc.nat(12), fc.nat(12), (sizes, done, left) => {
        const on = names(1, done).map((name, minute) => current(`d${name}`, minute));
        const assessments = [...on, ...names(1, left).map(late)].map((one) => assessmentOf(one));
        const plan = planRestart(assessments, NO_CONSENT, NOW, 1);
        const waves = divideIntoWaves(sizes, plan, assessments);
        expect(waves.flatMap(({ steps }) => steps)).toEqual(plan.steps);
        expect(waves.flatMap((wave) => wave.done)).toHaveLength(done);
        expect(waves.every((wave) => membersOf(wave).length > 0)).toBe(true);
        expect(waves.map(({ number }) => number)).toEqual(waves.map((_, index) => index + 1));
      }),
      { numRuns: 100 },
    );
  });

  test("a run that follows a finished wave has the same waves, without the finished ones", () => {
    fc.assert(
      fc.property(fc.array(size, { maxLength: 4 }), fc.nat(12), (sizes, total) => {
        const run = (done: number) => {
          const on = names(1, done).map((name, minute) => current(name, minute));
          const assessments = [...on, ...names(done + 1, total).map(late)].map((one) =>
            assessmentOf(one),
          );
          return divideIntoWaves(sizes, planRestart(assessments, NO_CONSENT, NOW, 1), assessments);
        };
        const first = run(0);
        let done = 0;
        for (const [index, wave] of first.entries()) {
          done += wave.steps.length;
          const second = run(done);
          const sizesOf = (waves: readonly Wave[]) => waves.map((one) => membersOf(one).length);
          expect(sizesOf(second)).toEqual(sizesOf(first));
          expect(second.findIndex((one) => !isFinished(one))).toBe(
            index + 1 === first.length ? -1 : index + 1,
          );
        }
      }),
      { numRuns: 100 },
    );
  });
});
