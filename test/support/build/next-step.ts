import type { NextStep } from "../../../src/next-step.ts";
import { createStepFormatter } from "../../../src/report/next-step-text.ts";

/** Formats a next step for a user who gave no flags. */
export const formatStep = createStepFormatter({});

const KINDS: ReadonlySet<unknown> = new Set(["invocation", "pipeline", "sequence", "sentence"]);

/** Returns a copy of the value in which each next step is formatted. */
export function withPrintedSteps(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withPrintedSteps);
  if (typeof value !== "object" || value === null) return value;
  if ("kind" in value && KINDS.has(value.kind)) return formatStep(value as NextStep);
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, withPrintedSteps(member)]),
  );
}
