import type { ExitCode } from "../exit-codes.ts";
import type { StepResult } from "../rollout/result.ts";
import type { StopReason } from "../rollout/schedule.ts";
import type { Step } from "../rollout/step.ts";
import type { GateResult, SoakResult } from "../rollout/wave-result.ts";
import type { WorkloadRef } from "../snapshot.ts";

/** A workload, its sidecars, and the sidecar that a restart gives it. */
export type PlannedRestart = Pick<Step, "ref" | "from" | "to">;

interface StartedEvent extends PlannedRestart {
  readonly type: "started";
  /** True if sidecars are replaced in place, and nothing is restarted. */
  readonly inPlace?: true;
}

/** An event about a wave. */
interface InWave {
  /** The number of the wave. */
  readonly wave: number;
  /** The number of waves. */
  readonly of: number;
}

interface WaveStartedEvent extends InWave {
  readonly type: "wave-started";
  /** The number of workloads to restart in the wave. */
  readonly workloads: number;
}

interface SoakingEvent extends InWave {
  readonly type: "soaking";
  /** Milliseconds. */
  readonly duration: number;
}

interface SoakedEvent extends InWave {
  readonly type: "soaked";
  readonly soak: SoakResult;
}

interface GateAskedEvent extends InWave {
  readonly type: "gate-asked";
  readonly command: string;
  /** Milliseconds. */
  readonly timeout: number;
}

interface GateAnsweredEvent extends InWave {
  readonly type: "gate-answered";
  readonly gate: GateResult;
}

/** The cluster of an event, if the command reports on several. */
interface OfCluster {
  /** The name of the context. */
  readonly cluster?: string;
}

/** Something that happens while a command runs, as data. */
export type ProgressEvent = RunEvent & OfCluster;

/** Something that happens in one cluster, or to the run as a whole. */
export type RunEvent =
  | { readonly type: "reading"; readonly what: string }
  /** The report of one of several clusters is finished, or it has none. */
  | {
      readonly type: "cluster-read";
      readonly exitCode: ExitCode;
      readonly message: string;
      /** The number of clusters that are finished. */
      readonly done: number;
      readonly of: number;
    }
  | {
      readonly type: "planned";
      /** The workloads to restart, and those to wait for. */
      readonly steps: readonly PlannedRestart[];
      readonly message: string;
    }
  | StartedEvent
  | {
      readonly type: "rolling";
      readonly ref: WorkloadRef;
      readonly message: string;
      readonly ready: number;
      readonly wanted: number;
      /** True if these are the sidecars that are replaced in place. */
      readonly inPlace?: true;
    }
  | { readonly type: "waiting"; readonly ref: WorkloadRef; readonly message: string }
  | { readonly type: "ended"; readonly result: StepResult }
  | WaveStartedEvent
  | SoakingEvent
  | SoakedEvent
  | GateAskedEvent
  | GateAnsweredEvent
  /** `verify --wait`, or `move --wait-for-label`, will read again. */
  | {
      readonly type: "verifying";
      /** The number of workloads with nothing against them, or of namespaces with the label. */
      readonly ready: number;
      readonly wanted: number;
      readonly message: string;
      /** The remaining time, for example `1m 40s`. */
      readonly left: string;
    }
  /** A namespace got the label of another revision. */
  | { readonly type: "labelled"; readonly namespace: string; readonly message: string }
  /** From now on nothing new starts. */
  | {
      readonly type: "stopped";
      readonly reason: StopReason;
      /** The number of workloads that will not start. */
      readonly notStarted: number;
      readonly message: string;
    }
  /** A message about the run as a whole, for example a warning. */
  | { readonly type: "notice"; readonly message: string };

/** The receiver of a running command's events. */
export interface Progress {
  emit(event: ProgressEvent): void;
  /** Clears the live lines from the terminal. Call it before anything else is printed. */
  stop(): void;
  /**
   * Gives the terminal to somebody else: clears the live lines, and does not read the keyboard.
   *
   * @returns a function that takes the terminal back.
   */
  pause(): () => void;
}
