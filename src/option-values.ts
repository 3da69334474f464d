import { type Deadline, readDeadline } from "./deadline.ts";
import { readDuration } from "./duration.ts";
import { UsageError } from "./errors.ts";
import { kubectl, sentence } from "./next-step.ts";

/** The options from commander, by their camel-cased names. */
export type RawOptions = Readonly<Record<string, unknown>>;

/** @throws UsageError */
export function requireNamespaceName(flag: string, value: string): string {
  if (/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(value)) return value;
  throw new UsageError(
    `${flag} "${value}" is not a valid namespace name`,
    sentence`use lower-case letters, digits and dashes; list the namespaces with: ${kubectl("get", "namespaces")}`,
  );
}

/**
 * @returns milliseconds.
 * @throws UsageError
 */
export function requireDuration(flag: string, value: unknown): number {
  const milliseconds = readDuration(textOf(value) ?? "");
  if (milliseconds !== undefined) return milliseconds;
  throw new UsageError(`${flag} "${String(value)}" is not a duration`, "write 90s, 10m or 1h30m");
}

/** @throws UsageError */
export function requireDeadline(given: string | undefined): Deadline | undefined {
  if (given === undefined) return undefined;
  const read = readDeadline(given);
  if (read !== undefined) return read;
  throw new UsageError(
    `--deadline "${given}" is neither a duration above 0s nor a time of day`,
    "write 2h, or 06:00 (local time of this machine)",
  );
}

/** @throws UsageError */
export function requireCount(flag: string, value: unknown): number {
  const number = Number(value);
  if (/^\d+$/.test(String(value)) && number >= 1 && Number.isSafeInteger(number)) return number;
  throw new UsageError(
    `${flag} "${String(value)}" is not a whole number above 0`,
    "write a whole number, 1 or more",
  );
}

/** @throws UsageError */
export function requireOneOf<Value extends string>(
  flag: string,
  value: unknown,
  allowed: readonly Value[],
): Value {
  const found = allowed.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  throw new UsageError(
    `${flag} "${String(value)}" is not valid`,
    `use one of: ${allowed.join(", ")}`,
  );
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

export function listOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === "string") : [];
}
