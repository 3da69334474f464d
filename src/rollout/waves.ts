import { isRestartable } from "../kubernetes/kinds.ts";
import type { Assessment } from "../mesh/assessment.ts";
import type { Target } from "../mesh/running-pods.ts";
import {
  byNamespaceAndName,
  compareText,
  restartTime,
  wantedPods,
  type WorkloadRef,
} from "../snapshot.ts";
import type { Plan } from "./plan.ts";
import type { From, Step, Wait } from "./step.ts";

/** The end of a wave: a number of workloads, or a percentage of them, since the first wave. */
export interface WaveSize {
  readonly kind: "count" | "percent";
  readonly value: number;
}

/** A part of a plan. The next part starts once this one has passed its checks. */
export interface Wave {
  /** 1 for the first wave. */
  readonly number: number;
  /** The workloads of the wave that were on target before the run, as an earlier run left them. */
  readonly done: readonly DoneMember[];
  /** The workloads of the wave that an earlier run restarted, and that are still rolling. */
  readonly waits: readonly Wait[];
  /** The workloads of the wave that the run restarts. */
  readonly steps: readonly Step[];
}

/** A workload of a wave, with its sidecars before the run and the target. */
export interface WaveMember {
  readonly ref: WorkloadRef;
  readonly from: readonly From[];
  readonly to: Target;
}

/** A workload of a wave that was on target before the run. */
export interface DoneMember extends WaveMember {
  /** The time of its last restart, in RFC 3339; `undefined` if there was none. */
  readonly restartedAt: string | undefined;
}

/**
 * Reads `1,10%,50%`. Numbers and percentages are cumulative, so each is larger than the one of its kind
 * before.
 *
 * @returns `undefined` if the text is something else.
 */
export function readWaveSizes(text: string): readonly WaveSize[] | undefined {
  const sizes: WaveSize[] = [];
  for (const part of text.split(",")) {
    const [, digits, percent] = /^(\d{1,9}(?:\.\d{1,3}(?=%))?)(%?)$/.exec(part) ?? [];
    const value = Number(digits);
    const kind = percent === "%" ? "percent" : "count";
    const before = sizes.findLast((size) => size.kind === kind)?.value ?? 0;
    if (digits === undefined || value <= before) return undefined;
    if (kind === "percent" && value > 100) return undefined;
    sizes.push({ kind, value });
  }
  return sizes;
}

/** Formats the sizes as `readWaveSizes` reads them. */
export function formatWaveSizes(sizes: readonly WaveSize[]): string {
  return sizes.map(({ kind, value }) => `${value}${kind === "percent" ? "%" : ""}`).join(",");
}

/**
 * Divides a plan into waves. The workloads that are on target already come first, the one that was
 * restarted last at the end, so that a run continues at the wave in which an earlier run ended. The last
 * wave is always the rest, and a wave without a workload is left out.
 *
 * @param assessments all workloads in scope.
 */
export function divideIntoWaves(
  sizes: readonly WaveSize[],
  plan: Pick<Plan, "steps" | "waits">,
  assessments: readonly Assessment[],
): readonly Wave[] {
  const { steps, waits } = plan;
  const done = membersOnTarget(plan, assessments);
  const total = done.length + waits.length + steps.length;
  const ends = sizes.map(({ kind, value }) =>
    Math.min(total, kind === "count" ? value : partOf(total, value)),
  );
  const waves: Wave[] = [];
  let start = 0;
  for (const end of [...ends, total]) {
    if (end <= start) continue;
    const slice = <Item>(items: readonly Item[], before: number) =>
      items.slice(Math.max(0, start - before), Math.max(0, end - before));
    waves.push({
      number: waves.length + 1,
      done: slice(done, 0),
      waits: slice(waits, done.length),
      steps: slice(steps, done.length + waits.length),
    });
    start = end;
  }
  return waves;
}

/** Rounds up. Thousandths of a percent are exact, so that 10 % of 30 is 3. */
function partOf(total: number, percent: number): number {
  return Math.ceil((total * Math.round(percent * 1000)) / 100_000);
}

/** Returns the workloads that a restart could reach, that are current, and that the plan leaves alone. */
function membersOnTarget(
  { steps, waits }: Pick<Plan, "steps" | "waits">,
  assessments: readonly Assessment[],
): readonly DoneMember[] {
  const planned = new Set([...steps, ...waits].map(({ ref }) => ref.uid));
  return assessments
    .filter(({ verdict, workload: { kind, uid, rollout } }) => {
      if (verdict !== "current" || planned.has(uid) || !isRestartable(kind)) return false;
      return rollout !== undefined && wantedPods(rollout) > 0;
    })
    .toSorted(
      ({ workload: a }, { workload: b }) =>
        compareText(restartTime(a) ?? "", restartTime(b) ?? "") || byNamespaceAndName(a, b),
    )
    .flatMap(({ workload, running, target }) => {
      if (target === undefined) return [];
      const { namespace, kind, name, uid } = workload;
      const from = running.map(({ image, revision, pods }) => ({ image, revision, pods }));
      const ref = { namespace, kind, name, uid };
      return [{ ref, from, to: target, restartedAt: restartTime(workload) }];
    });
}

/** All workloads of a wave, in the order of the wave. */
export function membersOf({ done, waits, steps }: Wave): readonly WaveMember[] {
  return [...done, ...waits, ...steps];
}

/** True if the run has nothing to do in the wave: an earlier run has finished it. */
export function isFinished({ waits, steps }: Wave): boolean {
  return waits.length === 0 && steps.length === 0;
}
