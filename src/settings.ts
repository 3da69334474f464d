import { type Encoding, ENCODINGS } from "./http/request.ts";
import type { ConnectionSettings } from "./connection/kubeconfig.ts";
import type { Deadline } from "./deadline.ts";
import { UsageError } from "./errors.ts";
import { istioUpgrade, sentence } from "./next-step.ts";
import { type Consent, NO_CONSENT } from "./mesh/consent.ts";
import { parseAnyKind } from "./kubernetes/kinds.ts";
import {
  requireCount,
  requireDeadline,
  requireDuration,
  listOf,
  requireNamespaceName,
  requireOneOf,
  type RawOptions,
  textOf,
} from "./option-values.ts";
import { type ScopeSettings, scopeSettings } from "./scope.ts";

/**
 * The flags and arguments that all commands share, typed and validated. No command reads raw
 * options.
 */
export interface CommonSettings {
  readonly connection: ConnectionSettings;
  readonly istioNamespace: string;
  readonly scope: ScopeSettings;
  /** The cases in which a dry run proves which sidecar a workload would get. */
  readonly prove: (typeof PROVES)[number];
  readonly display: DisplaySettings;
  /** No consent, except for `check` and `restart`. */
  readonly consent: Consent;
  /** The findings that count for the exit code, besides gaps and `unknown`. */
  readonly failOn: readonly FailOn[];
  /** True if the exit code is 0 whenever a report was made. */
  readonly exitZero: boolean;
}

export type FailOn = (typeof FAIL_ONS)[number];

export const OUTPUTS = ["table", "wide", "json", "jsonl", "markdown", "junit"] as const;
export const COLORS = ["auto", "always", "never"] as const;
export const INCLUDES = ["missing", "current", "unhealthy"] as const;
/** The findings that count for the exit code by default. Gaps and `unknown` always count. */
export const FAIL_ONS = [
  "outdated",
  "would-lose",
  "blocked",
  "missing",
  "by-hand",
  "not-ready",
] as const;
/** The findings that a restart may leave behind without a failure. */
export const RESTART_FAIL_ONS = ["by-hand", "missing"] as const;
export const PROVES = ["auto", "always", "never"] as const;
export const DRY_RUNS = ["client", "server"] as const;

export interface DisplaySettings {
  readonly output: (typeof OUTPUTS)[number];
  readonly color: (typeof COLORS)[number];
  readonly headers: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** The file that also gets the JSON document. */
  readonly reportFile: string | undefined;
}

export interface VerifySettings extends CommonSettings {
  /** The longest time to repeat the check until it succeeds, in milliseconds. 0 checks once. */
  readonly wait: number;
}

export interface RestartSettings extends CommonSettings {
  readonly dryRun: (typeof DRY_RUNS)[number] | undefined;
  readonly yes: boolean;
  readonly maxParallel: number;
  /** The most new pods that may be starting; `undefined` for no limit. */
  readonly maxPods: number | undefined;
  readonly maxFailures: number;
  /** The pause between two restarts, in milliseconds. */
  readonly pause: number;
  /** The time after which no restart begins. */
  readonly deadline: Deadline | undefined;
  /** The longest time that a workload may go without progress, in milliseconds. */
  readonly timeout: number;
  readonly reason: string | undefined;
  /** The file of an approved plan, which has its own scope. */
  readonly plan: string | undefined;
}

export interface ExplainSettings extends CommonSettings {
  /** The kind is `Pod` if the user asks about a pod. */
  readonly subject: { readonly kind: string; readonly name: string };
}

export interface RevisionsSettings extends CommonSettings {
  /** The revision to report; `undefined` for all. */
  readonly revision: string | undefined;
  readonly assertUnused: boolean;
}

/** @throws UsageError */
export function commonSettings(raw: RawOptions, names: readonly string[] = []): CommonSettings {
  return {
    connection: {
      kubeconfig: textOf(raw["kubeconfig"]),
      context: textOf(raw["context"]),
      as: textOf(raw["as"]),
      asGroups: listOf(raw["asGroup"]),
      requestTimeout: requireDuration("--request-timeout", raw["requestTimeout"]),
    },
    istioNamespace: requireNamespaceName("--istio-namespace", textOf(raw["istioNamespace"]) ?? ""),
    scope: scopeSettings(raw, names),
    prove: requireOneOf("--prove", raw["prove"] ?? "auto", PROVES),
    display: {
      output: raw["json"] === true ? "json" : requireOneOf("--output", raw["output"], OUTPUTS),
      color: requireOneOf("--color", raw["color"], COLORS),
      headers: raw["headers"] !== false,
      quiet: raw["quiet"] === true,
      verbose: raw["verbose"] === true,
      reportFile: textOf(raw["reportFile"]),
    },
    consent: NO_CONSENT,
    failOn: failOnFrom(raw, FAIL_ONS),
    exitZero: raw["exitZero"] === true,
  };
}

/**
 * Returns the findings that count.
 *
 * @param allowed the values of `--fail-on`. The other findings always count.
 * @throws UsageError
 */
function failOnFrom(raw: RawOptions, allowed: readonly FailOn[]): readonly FailOn[] {
  if (raw["failOn"] === undefined) return FAIL_ONS;
  const values = listOf(raw["failOn"]);
  const given = new Set(values.map((value) => requireOneOf("--fail-on", value, allowed)));
  return FAIL_ONS.filter((finding) => !allowed.includes(finding) || given.has(finding));
}

/** @throws UsageError */
export function checkSettings(raw: RawOptions): CommonSettings {
  return { ...commonSettings(raw), consent: consentOf(raw) };
}

/** @throws UsageError */
function consentOf(raw: RawOptions): Consent {
  const include = listOf(raw["include"]);
  return consentFrom(
    include.map((value) => requireOneOf("--include", value, INCLUDES)),
    raw["allowDowntime"] === true,
  );
}

/** @throws UsageError */
export function verifySettings(raw: RawOptions): VerifySettings {
  return { ...commonSettings(raw), wait: requireDuration("--wait", raw["wait"]) };
}

/** @throws UsageError */
export function restartSettings(raw: RawOptions, names: readonly string[]): RestartSettings {
  if (raw["dryRun"] !== undefined) rejectModeAsArgument(names);
  const { failOn: _, ...others } = raw;
  const common = {
    ...commonSettings(others, names),
    failOn: failOnFrom(raw, RESTART_FAIL_ONS),
  };
  const { scope } = common;
  const plan = textOf(raw["plan"]);
  if (plan !== undefined) {
    rejectPlanFlags(raw, names);
  } else if (scope.namespaces.length === 0 && !scope.allNamespaces && names.length === 0) {
    throw new UsageError(
      "restart needs a scope",
      "add --namespace NAMESPACE, --all-namespaces, or workloads as KIND/NAME",
    );
  }
  if (names.length > 0 && (scope.namespaces.length > 1 || scope.allNamespaces)) {
    throw new UsageError(
      "named workloads must be in one namespace",
      "use a single --namespace with them",
    );
  }
  const dryRun = raw["dryRun"];
  return {
    ...common,
    dryRun: dryRun === undefined ? undefined : requireOneOf("--dry-run", dryRun, DRY_RUNS),
    yes: raw["yes"] === true,
    maxParallel: requireCount("--max-parallel", raw["maxParallel"]),
    maxPods: raw["maxPods"] === undefined ? undefined : requireCount("--max-pods", raw["maxPods"]),
    maxFailures: requireCount("--max-failures", raw["maxFailures"]),
    pause: requireDuration("--pause", raw["pause"]),
    deadline: requireDeadline(textOf(raw["deadline"])),
    timeout: requireTimeout(raw["timeout"]),
    consent: consentOf(raw),
    reason: textOf(raw["reason"]),
    plan,
  };
}

/** The consent that `--include` and `--allow-downtime` give. */
export function consentFrom(include: readonly string[], downtime: boolean): Consent {
  return {
    missing: include.includes("missing"),
    current: include.includes("current"),
    unhealthy: include.includes("unhealthy"),
    downtime,
  };
}

/** The values of `--include` that give a consent. */
export function includedBy(consent: Consent): readonly (typeof INCLUDES)[number][] {
  return INCLUDES.filter((name) => consent[name]);
}

/** Rejects `--dry-run server`, in which the mode is a separate argument and would name a workload. */
function rejectModeAsArgument(names: readonly string[]): void {
  const found = names.find((name) => DRY_RUNS.some((mode) => mode === name));
  if (found === undefined) return;
  throw new UsageError(
    `"${found}" is not a KIND/NAME that can be restarted`,
    `write --dry-run=${found}`,
  );
}

/** Rejects 0. It means no limit to kubectl, but here every rollout would fail at once. */
function requireTimeout(given: unknown): number {
  const milliseconds = requireDuration("--timeout", given);
  if (milliseconds > 0) return milliseconds;
  throw new UsageError(
    `--timeout "${String(given)}" would give up on every workload at once`,
    "write the longest time that a workload may make no progress, such as 10m or 2h",
  );
}

/** The flags that contradict a plan, because they would change what was approved. */
const PLAN_FLAGS: Readonly<Record<string, string>> = {
  namespace: "--namespace",
  allNamespaces: "--all-namespaces",
  selector: "--selector",
  revision: "--revision",
  exclude: "--exclude",
  excludeNamespace: "--exclude-namespace",
  include: "--include",
  allowDowntime: "--allow-downtime",
};

function rejectPlanFlags(raw: RawOptions, names: readonly string[]): void {
  const flags = Object.entries(PLAN_FLAGS).flatMap(([name, flag]) =>
    raw[name] === undefined ? [] : [flag],
  );
  const [given] = [...names, ...flags];
  if (given === undefined) return;
  throw new UsageError(
    `--plan defines what to restart, so ${given} cannot be used with it`,
    sentence`omit it, or make another plan: ${istioUpgrade("restart", "--dry-run", "--output", "json")}`,
  );
}

/** @throws UsageError */
export function explainSettings(raw: RawOptions, given: string): ExplainSettings {
  const common = commonSettings(raw);
  if (common.scope.namespaces.length > 1) {
    throw new UsageError("explain takes one workload in one namespace", "use a single --namespace");
  }
  const [kindText = "", name = "", ...rest] = given.split("/");
  // A custom resource may own pods, too. Its kind is known once the pods are read.
  const kind = parseAnyKind(kindText) ?? (CUSTOM_KIND.test(kindText) ? kindText : undefined);
  if (kind === undefined || name === "" || rest.length > 0) {
    throw new UsageError(
      `"${given}" is not the KIND/NAME of a workload or a pod`,
      "write it as KIND/NAME: deploy/web, sts/db, ds/agent, job/import, pod/web-7d4b9c-x2x1z",
    );
  }
  return { ...common, subject: { kind, name } };
}

/** The name of a kind or a resource, with its group: `StrimziPodSet`, `strimzipodsets.core.strimzi.io`. */
const CUSTOM_KIND = /^[a-z][a-z\d]*(?:\.[a-z\d][a-z\d.-]*)?$/i;

/** @throws UsageError */
export function revisionsSettings(
  raw: RawOptions,
  revision: string | undefined,
): RevisionsSettings {
  const assertUnused = raw["assertUnused"] === true;
  if (assertUnused && revision === undefined) {
    throw new UsageError(
      "--assert-unused needs a revision",
      sentence`name the revision: ${istioUpgrade("revisions", "REVISION", "--assert-unused")}`,
    );
  }
  return { ...commonSettings(raw), revision, assertUnused };
}

/**
 * Returns the encoding of lists from `ISTIO_UPGRADE_ENCODING`. JSON helps to verify what the protobuf
 * decoder read.
 *
 * @throws UsageError
 */
export function encodingOf(env: Readonly<Record<string, string | undefined>>): Encoding {
  return requireOneOf(
    "ISTIO_UPGRADE_ENCODING",
    env["ISTIO_UPGRADE_ENCODING"] || ENCODINGS[0],
    ENCODINGS,
  );
}
