/** Something that keeps a command from running: one sentence, and one that says what to do. */
export class CannotRun extends Error {
  override readonly name = "CannotRun";
  readonly hint: string;

  constructor(message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.hint = hint;
  }
}

/** Wrong usage: nothing was done. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}
