/** The exit codes, which are stable across minor versions. */
export const EXIT = {
  ok: 0,
  couldNotRun: 1,
  outdated: 2,
  failed: 3,
  outOfTime: 4,
  needsPerson: 5,
  incomplete: 6,
  usage: 64,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The meaning of each code, for the help text and the documentation. */
export const EXIT_MEANINGS: readonly (readonly [ExitCode, string])[] = [
  [EXIT.ok, "every sidecar in scope is what injection gives now, or was restarted and verified"],
  [EXIT.couldNotRun, "could not run: no connection, no permission for anything, a bug"],
  [EXIT.outdated, "outdated sidecars that a restart would fix"],
  [EXIT.failed, "a restart failed, a sidecar was lost, or a soak or a gate did not pass"],
  [
    EXIT.outOfTime,
    "out of time: unfinished, not ready, not started, or a gate that did not answer",
  ],
  [
    EXIT.needsPerson,
    "what is left needs a person: would-lose, blocked, missing, by hand, rejected",
  ],
  [EXIT.incomplete, "the report is incomplete: gaps, or workloads whose verdict is unknown"],
  [EXIT.usage, "wrong usage, nothing was done"],
  [EXIT.interrupted, "interrupted (SIGINT)"],
  [EXIT.terminated, "terminated (SIGTERM)"],
];

/** The order of precedence: if several codes apply, the first of these is the exit code. */
const PRECEDENCE: readonly ExitCode[] = [
  EXIT.usage,
  EXIT.couldNotRun,
  EXIT.terminated,
  EXIT.interrupted,
  EXIT.failed,
  EXIT.outOfTime,
  EXIT.outdated,
  EXIT.incomplete,
  EXIT.needsPerson,
  EXIT.ok,
];

/** A reason for an exit code other than 0, for example `outdated:9`. */
export interface ExitReason {
  readonly code: ExitCode;
  readonly text: string;
}

export function exitCodeOf(reasons: readonly ExitReason[]): ExitCode {
  return PRECEDENCE.find((code) => reasons.some((reason) => reason.code === code)) ?? EXIT.ok;
}
