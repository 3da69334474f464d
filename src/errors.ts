import type { NextStep } from "./next-step.ts";

/** The reasons why a command could not run. They are part of the published schema, and stable. */
export const FAILURE_CODES = [
  "usage",
  "kubeconfig",
  "unauthorized",
  "forbidden",
  "unreachable",
  "not-found",
  "output",
  "interrupted",
  "terminated",
  "bug",
] as const;

export type FailureCode = (typeof FAILURE_CODES)[number];

/** An error that ends the command, with a hint that says what to do. */
export class CannotRun extends Error {
  override readonly name = "CannotRun";
  readonly hint: NextStep;
  readonly code: FailureCode;

  /** @param options the code is `kubeconfig` if there is none. */
  constructor(
    message: string,
    hint: NextStep,
    options: ErrorOptions & { readonly code?: FailureCode } = {},
  ) {
    super(message, options);
    this.hint = hint;
    this.code = options.code ?? "kubeconfig";
  }
}

/** A signal that arrived before anything was changed. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  readonly hint: NextStep;
  readonly signal: "SIGINT" | "SIGTERM";

  constructor(signal: "SIGINT" | "SIGTERM") {
    super(`${signal === "SIGINT" ? "interrupted" : "terminated"} before anything was restarted`);
    this.hint = "nothing was changed: run the command again when you are ready";
    this.signal = signal;
  }
}

/** Invalid arguments. Nothing was done. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly hint: NextStep;
  /** The context of the cluster that shows that they are invalid; `undefined` if none was read. */
  readonly context: string | undefined;

  constructor(
    message: string,
    hint: NextStep,
    options: ErrorOptions & { readonly context?: string | undefined } = {},
  ) {
    super(message, options);
    this.hint = hint;
    this.context = options.context;
  }
}

/** True for an error that no code anticipates: a bug, or input of an odd shape. */
export function isUnexpected(error: unknown): boolean {
  return !(
    error instanceof CannotRun ||
    error instanceof Interrupted ||
    error instanceof UsageError
  );
}

/** Returns the message of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
