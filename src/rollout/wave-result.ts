import type { GateJudgement } from "./gate.ts";
import { isDone, type StepResult } from "./result.ts";
import type { SoakEnd, SoakedMember } from "./soaking.ts";
import { type DoneMember, isFinished, membersOf, type Wave, type WaveMember } from "./waves.ts";

/** The soak of a wave. */
export interface SoakResult extends Omit<SoakEnd, "result"> {
  /** `stopped`: the run was stopped before the end of the soak. */
  readonly result: SoakEnd["result"] | "stopped";
  readonly startedAt: Date;
  readonly finishedAt: Date;
}

/** The gate of a wave. */
export interface GateResult extends GateJudgement {
  /** The file, as the user named it. */
  readonly command: string;
  /** The end of the output, stdout and stderr in the order of their arrival. */
  readonly output: string;
  /** The number of bytes before `output` that are left out. */
  readonly omitted: number;
  readonly startedAt: Date;
  readonly finishedAt: Date;
}

/** The checks of a wave so far. */
export interface WaveChecked {
  readonly soak?: SoakResult;
  readonly gate?: GateResult;
}

/** A workload of a wave, and how it ended in this run. */
export interface WaveWorkload extends WaveMember {
  /** `current`: on target before the run. Absent if its restart has not ended. */
  readonly outcome?: StepResult["outcome"] | "current";
  readonly result?: StepResult;
}

/** A wave, its workloads and its times. */
export interface WaveProgress {
  readonly number: number;
  readonly workloads: readonly WaveWorkload[];
  /** The time of its first restart; `undefined` if this run restarted none of its workloads. */
  readonly startedAt: Date | undefined;
  /** The time at which its last rollout ended; `undefined` if one has not ended. */
  readonly finishedAt: Date | undefined;
}

/** Adds the results of a run to its waves. */
export function waveProgress(
  waves: readonly Wave[],
  results: readonly StepResult[],
): readonly WaveProgress[] {
  const byUid = new Map(results.map((result) => [result.ref.uid, result]));
  return waves.map((wave) => {
    const done = new Set(wave.done.map(({ ref }) => ref.uid));
    const workloads = membersOf(wave).map(({ ref, from, to }): WaveWorkload => {
      const result = byUid.get(ref.uid);
      if (result === undefined) {
        return done.has(ref.uid) ? { ref, from, to, outcome: "current" } : { ref, from, to };
      }
      return { ref, from: result.from, to: result.to, outcome: result.outcome, result };
    });
    const own = workloads.flatMap(({ result }) => result ?? []);
    const times = (pick: (result: StepResult) => Date | undefined) =>
      own.flatMap((result) => pick(result)?.getTime() ?? []);
    const started = times(({ startedAt }) => startedAt);
    const isOver =
      own.length > 0 &&
      workloads.every(({ outcome }) => outcome !== undefined && outcome !== "not-started");
    return {
      number: wave.number,
      workloads,
      startedAt: started.length === 0 ? undefined : new Date(Math.min(...started)),
      finishedAt: isOver ? new Date(Math.max(...times(({ finishedAt }) => finishedAt))) : undefined,
    };
  });
}

/** The milliseconds after which the pods of an earlier restart are no longer new: a day. */
const NEW_FOR = 86_400_000;

/** True if an earlier run restarted a workload a short time ago: its wave may not have been soaked. */
function isNew({ restartedAt }: DoneMember, now: number): boolean {
  // The clocks of this machine and of the API server may differ: a future time counts as well.
  return now - Date.parse(restartedAt ?? "") < NEW_FOR;
}

/** True if the soak of the last wave that an earlier run finished is repeated. */
export function repeatsSoak(waves: readonly Wave[], now: number): boolean {
  const last = waves[waves.findIndex((wave) => !isFinished(wave)) - 1];
  return last !== undefined && last.done.some((member) => isNew(member, now));
}

/**
 * Returns the workloads of a wave whose pods a soak watches: those that a run has just brought on target,
 * this one or one before it.
 */
export function soakedMembers(
  wave: Wave,
  results: ReadonlyMap<string, StepResult>,
  now: number,
): readonly SoakedMember[] {
  const restarted = [...wave.waits, ...wave.steps].flatMap(({ ref }): readonly SoakedMember[] => {
    const result = results.get(ref.uid);
    if (result === undefined) return [];
    const { outcome, code, to, finishedAt } = result;
    if (isDone(outcome)) return [{ ref, to, doneAt: finishedAt.getTime() }];
    return code === "already-current" ? [{ ref, to, doneAt: undefined }] : [];
  });
  const recent = wave.done.filter((member) => isNew(member, now));
  return [...recent.map(({ ref, to }) => ({ ref, to, doneAt: undefined })), ...restarted];
}
