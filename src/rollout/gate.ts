import { formatDuration } from "../duration-text.ts";

/** The end of the program of a gate. */
export type GateEnd =
  | { readonly kind: "exited"; readonly code: number }
  /** Somebody else ended it by a signal. */
  | { readonly kind: "killed"; readonly signal: string }
  | { readonly kind: "not-run"; readonly message: string }
  /** It ran for longer than the timeout, in milliseconds, and was killed. */
  | { readonly kind: "timed-out"; readonly timeout: number }
  /** The run was stopped, so that the answer no longer matters, and the program was killed. */
  | { readonly kind: "stopped" };

/** The answer of a gate. Only exit code 0 lets the next wave start. */
export interface GateJudgement {
  readonly result: "passed" | "refused" | "unanswered" | "stopped";
  readonly exitCode: number | undefined;
  /** The end of a sentence about the gate. */
  readonly message: string;
}

export function judgeGate(end: GateEnd): GateJudgement {
  const unanswered = (message: string): GateJudgement => ({
    result: "unanswered",
    exitCode: undefined,
    message,
  });
  switch (end.kind) {
    case "exited":
      return end.code === 0
        ? { result: "passed", exitCode: 0, message: "passed" }
        : {
            result: "refused",
            exitCode: end.code,
            message: `refused with exit code ${end.code}`,
          };
    case "killed":
      return unanswered(`did not answer: it was ended by ${end.signal}`);
    case "not-run":
      return unanswered(`could not be run: ${end.message}`);
    case "timed-out":
      return unanswered(`did not answer within ${formatDuration(end.timeout)} (--gate-timeout)`);
    case "stopped":
      return { result: "stopped", exitCode: undefined, message: "was stopped with the run" };
  }
}
