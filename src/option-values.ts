import { type Deadline, readDeadline } from "./deadline.ts";
import { readDuration, readLongDuration } from "./duration.ts";
import { UsageError } from "./errors.ts";
import { istioUpgrade, kubectl, sentence } from "./next-step.ts";

/** The options from commander, by their camel-cased names. */
export type RawOptions = Readonly<Record<string, unknown>>;

const NAMESPACE_NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** @throws UsageError */
export function requireNamespaceName(flag: string, value: string): string {
  if (NAMESPACE_NAME.test(value)) return value;
  throw new UsageError(
    `${flag} "${value}" is not a valid namespace name`,
    sentence`use lower-case letters, digits and dashes; list the namespaces with: ${kubectl("get", "namespaces")}`,
  );
}

/**
 * @returns `undefined` if no name is given.
 * @throws UsageError
 */
export function requireRevisionName(flag: string, value: string | undefined): string | undefined {
  if (value === undefined || /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(value)) return value;
  throw new UsageError(
    `${flag} "${value}" is not the name of a revision or a tag`,
    sentence`use lower-case letters, digits and dashes, as in asm-1-28; see the installed ones: ${istioUpgrade("revisions")}`,
  );
}

/** The name of a lease as on the command line, with its namespace if there is one. */
export interface NamedLease {
  readonly text: string;
  /** `undefined`: the namespace of the kubeconfig context. */
  readonly namespace: string | undefined;
  readonly name: string;
}

/**
 * @returns `undefined` if no name is given.
 * @throws UsageError
 */
export function requireLease(flag: string, text: string | undefined): NamedLease | undefined {
  if (text === undefined) return undefined;
  const [name = "", namespace, ...others] = text.split("/").toReversed();
  const isName = name.length <= 253 && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name);
  const isValid = isName && !/\.[-.]|-\./.test(name) && others.length === 0;
  if (isValid && (namespace === undefined || NAMESPACE_NAME.test(namespace))) {
    return { text, namespace, name };
  }
  throw new UsageError(
    `${flag} "${text}" is not the name of a lease`,
    "write NAME or NAMESPACE/NAME, in lower-case letters, digits, dashes and dots, as in ops/istio-upgrade",
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

/**
 * @returns milliseconds, or `undefined` if no age is given.
 * @throws UsageError
 */
export function requireAge(flag: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const milliseconds = readLongDuration(given) ?? 0;
  if (milliseconds > 0 && milliseconds <= Number.MAX_SAFE_INTEGER) return milliseconds;
  throw new UsageError(
    `${flag} "${given}" is not a duration above 0`,
    "write 30d, 12h or 1d12h, with days of 24 hours",
  );
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
