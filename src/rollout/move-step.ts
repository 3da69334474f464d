import { type Command, type Invocation, istioUpgrade, type NextStep } from "../next-step.ts";

/** The flags of `restart` that `move` takes as well, with a value or without one. */
const SHARED: Readonly<Record<string, boolean>> = {
  "--include": true,
  "--allow-downtime": false,
};

/**
 * Replaces restarts in a next step by moves of the namespace: as long as the namespace has its former
 * label, a restart would not lead to the new revision.
 */
export function moveStep(step: NextStep, namespace: string, to: string): NextStep {
  if (typeof step === "string") return step;
  if (step.kind !== "sentence") return asMove(step, namespace, to);
  const parts = step.parts.map((part) =>
    typeof part === "string" ? part : asMove(part, namespace, to),
  );
  return { ...step, parts };
}

function asMove(command: Command, namespace: string, to: string): Command {
  const replace = (one: Invocation) =>
    one.program === "istio-upgrade" && one.args[0] === "restart"
      ? istioUpgrade("move", namespace, "--to", to, ...sharedFlags(one.args))
      : one;
  return command.kind === "invocation"
    ? replace(command)
    : { ...command, invocations: command.invocations.map(replace) };
}

function sharedFlags(args: readonly string[]): readonly string[] {
  return args.flatMap((flag, index) => {
    const hasValue = SHARED[flag];
    if (hasValue === undefined) return [];
    return hasValue ? [flag, args[index + 1] ?? ""] : [flag];
  });
}
