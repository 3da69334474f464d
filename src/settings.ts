import { type Encoding, ENCODINGS } from "./http/request.ts";
import type { ConnectionSettings } from "./connection/kubeconfig.ts";
import type { Deadline } from "./deadline.ts";
import { UsageError } from "./errors.ts";
import { contextOf, type FleetSettings, fleetSettings } from "./fleet.ts";
import { type GroupingSettings, groupingSettings } from "./grouping.ts";
import { istioUpgrade, sentence } from "./next-step.ts";
import { type Consent, NO_CONSENT } from "./mesh/consent.ts";
import { parseAnyKind } from "./kubernetes/kinds.ts";
import {
  requireAge,
  requireCount,
  requireDeadline,
  requireDuration,
  listOf,
  requireLease,
  requireNamespaceName,
  requireOneOf,
  requireRevisionName,
  type NamedLease,
  type RawOptions,
  textOf,
} from "./option-values.ts";
import { formatOfFile } from "./file-format.ts";
import type { Patience } from "./rollout/stall.ts";
import { readWaveSizes, type WaveSize } from "./rollout/waves.ts";
import { type ScopeSettings, scopeSettings } from "./scope.ts";

/**
 * The flags and arguments that all commands share, typed and validated. No command reads raw
 * options.
 */
export interface CommonSettings {
  readonly connection: ConnectionSettings;
  /** The clusters to report on; `undefined` for the one of `connection`. */
  readonly fleet: FleetSettings | undefined;
  readonly istioNamespace: string;
  readonly scope: ScopeSettings;
  /** The cases in which a dry run proves which sidecar a workload would get. */
  readonly prove: (typeof PROVES)[number];
  /** True to compare pods with new ones, to show what else a restart would change. */
  readonly drift: boolean;
  readonly display: DisplaySettings;
  readonly grouping: GroupingSettings;
  /** No consent, except for `check` and `restart`. */
  readonly consent: Consent;
  /** The findings that count for the exit code, besides gaps and `unknown`. */
  readonly failOn: readonly FailOn[];
  /** The longest time that a workload may be outdated, in milliseconds; `undefined` for no time. */
  readonly maxAge: number | undefined;
  /** True if the exit code is 0 whenever a report was made. */
  readonly exitZero: boolean;
}

export type FailOn = (typeof FAIL_ONS)[number];

export const OUTPUTS = [
  "table",
  "wide",
  "json",
  "jsonl",
  "markdown",
  "junit",
  "html",
  "prometheus",
] as const;
/** The formats of commands whose report has no metrics. */
export const PLAIN_OUTPUTS = OUTPUTS.filter((output) => output !== "prometheus");
export const COLORS = ["auto", "always", "never"] as const;
export const INCLUDES = ["missing", "current", "drifted", "unhealthy"] as const;
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
  /** The files that also get the document, each in the format of its name. */
  readonly reportFiles: readonly string[];
}

export interface CheckSettings extends CommonSettings {
  /** The file of an earlier report; `undefined`: everything counts, not only what is new. */
  readonly since: string | undefined;
}

export interface VerifySettings extends CommonSettings {
  /** The longest time to repeat the check until it succeeds, in milliseconds. 0 checks once. */
  readonly wait: number;
}

export interface RestartSettings extends CommonSettings, Patience {
  readonly dryRun: (typeof DRY_RUNS)[number] | undefined;
  readonly yes: boolean;
  /** The revisions to which a restart may move pods without a question. */
  readonly allowRevisions: readonly string[];
  readonly maxParallel: number;
  /** The most new pods that may be starting; `undefined` for no limit. */
  readonly maxPods: number | undefined;
  readonly maxFailures: number;
  /** The pause between two restarts, in milliseconds. */
  readonly pause: number;
  /** The time after which no restart begins. */
  readonly deadline: Deadline | undefined;
  readonly reason: string | undefined;
  /** True to write Kubernetes Events about the workloads. */
  readonly events: boolean;
  /** The file of an approved plan, which has its own scope. */
  readonly plan: string | undefined;
  /** `undefined`: no waves, no soak and no gate. */
  readonly waves: WaveSettings | undefined;
  /** True to replace native sidecars in place, and to restart nothing. */
  readonly inPlace: boolean;
  /** True to pull missing images to nodes before that. */
  readonly pull: boolean;
  /** The lease that keeps other runs away; `undefined` for none. */
  readonly lease: NamedLease | undefined;
}

/** The pace of a run in waves. */
export interface WaveSettings {
  /** Empty for one wave. */
  readonly sizes: readonly WaveSize[];
  /** Milliseconds; 0 for no soak. */
  readonly soak: number;
  /** The program that decides whether the next wave starts. */
  readonly gate: string | undefined;
  /** Milliseconds. */
  readonly gateTimeout: number;
}

export interface MoveSettings extends RestartSettings {
  /** The revision or the tag; `undefined` if a plan names it. */
  readonly to: string | undefined;
  /** True if the label `istio-injection` may be removed. */
  readonly dropInjectionLabel: boolean;
  /** The longest time to wait for a label that somebody else owns, in milliseconds. 0 waits for none. */
  readonly waitForLabel: number;
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

export interface StatusSettings extends CommonSettings {
  /** The revision that the upgrade leads to, or a tag of it; `undefined` if the user named none. */
  readonly to: string | undefined;
}

/** @throws UsageError */
export function commonSettings(raw: RawOptions, names: readonly string[] = []): CommonSettings {
  return {
    connection: {
      kubeconfig: textOf(raw["kubeconfig"]),
      context: contextOf(raw),
      as: textOf(raw["as"]),
      asGroups: listOf(raw["asGroup"]),
      requestTimeout: requireDuration("--request-timeout", raw["requestTimeout"]),
    },
    fleet: fleetSettings(raw),
    istioNamespace: requireNamespaceName("--istio-namespace", textOf(raw["istioNamespace"]) ?? ""),
    scope: scopeSettings(raw, names),
    prove: requireOneOf("--prove", raw["prove"] ?? "auto", PROVES),
    drift: driftFrom(raw),
    display: {
      output: raw["json"] === true ? "json" : requireOneOf("--output", raw["output"], OUTPUTS),
      color: requireOneOf("--color", raw["color"], COLORS),
      headers: raw["headers"] !== false,
      quiet: raw["quiet"] === true,
      verbose: raw["verbose"] === true,
      reportFiles: listOf(raw["reportFile"]),
    },
    grouping: groupingSettings(raw),
    consent: NO_CONSENT,
    failOn: failOnFrom(raw, FAIL_ONS),
    maxAge: requireAge("--max-age", textOf(raw["maxAge"])),
    exitZero: raw["exitZero"] === true,
  };
}

/** @throws UsageError if the report of the command has no metrics, and they are asked for. */
function withoutMetrics(common: CommonSettings): CommonSettings {
  const { output, reportFiles } = common.display;
  if (output === "prometheus") {
    throw new UsageError(
      "only check and verify have metrics for --output prometheus",
      `use one of: ${PLAIN_OUTPUTS.join(", ")}`,
    );
  }
  const file = reportFiles.find((name) => formatOfFile(name) === "prometheus");
  if (file === undefined) return common;
  throw new UsageError(
    `only check and verify have metrics for --report-file "${file}"`,
    "use another name, such as one that ends in .json or .html",
  );
}

/** @throws UsageError if a flag needs dry runs, and another one rules them out. */
function driftFrom(raw: RawOptions): boolean {
  const flags = [
    ...(raw["drift"] === true ? ["--drift"] : []),
    ...(raw["onlySidecar"] === true ? ["--only-sidecar"] : []),
    ...(listOf(raw["include"]).includes("drifted") ? ["--include drifted"] : []),
  ];
  const [flag] = flags;
  if (flag === undefined) return false;
  if (raw["prove"] !== "never") return true;
  throw new UsageError(
    `${flag} needs dry runs, which --prove=never switches off`,
    "use only one of them",
  );
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
export function checkSettings(raw: RawOptions): CheckSettings {
  const common = commonSettings(raw);
  const since = textOf(raw["since"]);
  if (since !== undefined && common.fleet !== undefined) {
    throw new UsageError(
      "--since compares with the report of one cluster",
      "name one context, and run the command once for each cluster",
    );
  }
  return { ...common, consent: consentOf(raw), since };
}

/** @throws UsageError */
function consentOf(raw: RawOptions): Consent {
  const include = listOf(raw["include"]);
  return consentFrom(
    include.map((value) => requireOneOf("--include", value, INCLUDES)),
    raw["allowDowntime"] === true,
    raw["onlySidecar"] === true,
  );
}

/** @throws UsageError */
export function verifySettings(raw: RawOptions): VerifySettings {
  return { ...commonSettings(raw), wait: requireDuration("--wait", raw["wait"]) };
}

/** @throws UsageError */
export function restartSettings(raw: RawOptions, names: readonly string[]): RestartSettings {
  if (raw["dryRun"] !== undefined) rejectModeAsArgument(names);
  rejectInPlaceFlags(raw);
  const { failOn: _, ...others } = raw;
  const common = {
    ...withoutMetrics(commonSettings(others, names)),
    failOn: failOnFrom(raw, RESTART_FAIL_ONS),
  };
  const { scope } = common;
  const plan = textOf(raw["plan"]);
  if (plan !== undefined) {
    rejectPlanFlags(raw, names);
  } else if (names.length === 0 && !hasNamespaces(scope)) {
    throw new UsageError(
      "restart needs a scope",
      "add --namespace NAMESPACE, --all-namespaces, --namespace-selector LABELS, or workloads as KIND/NAME",
    );
  }
  const isSpread = scope.allNamespaces || scope.namespaceSelector !== undefined;
  if (names.length > 0 && (scope.namespaces.length > 1 || isSpread)) {
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
    allowRevisions: [...new Set(listOf(raw["allowRevision"]))],
    maxParallel: requireCount("--max-parallel", raw["maxParallel"]),
    maxPods: raw["maxPods"] === undefined ? undefined : requireCount("--max-pods", raw["maxPods"]),
    maxFailures: requireCount("--max-failures", raw["maxFailures"]),
    pause: requireDuration("--pause", raw["pause"]),
    deadline: requireDeadline(textOf(raw["deadline"])),
    timeout: requireTimeout(raw["timeout"]),
    schedulingTimeout: requireDuration("--scheduling-timeout", raw["schedulingTimeout"]),
    consent: consentOf(raw),
    reason: textOf(raw["reason"]),
    events: raw["events"] === true,
    plan,
    waves: waveSettings(raw),
    inPlace: raw["inPlace"] === true,
    pull: raw["pull"] === true,
    lease: requireLease("--lease", textOf(raw["lease"])),
  };
}

function hasNamespaces({ namespaces, allNamespaces, namespaceSelector }: ScopeSettings): boolean {
  return namespaces.length > 0 || allNamespaces || namespaceSelector !== undefined;
}

/**
 * Rejects what a replacement in place cannot do: it changes the image of ready sidecars, and nothing else.
 *
 * @throws UsageError
 */
function rejectInPlaceFlags(raw: RawOptions): void {
  if (raw["inPlace"] !== true) {
    if (raw["pull"] !== true) return;
    throw new UsageError(
      "--pull pulls images for --in-place, which is missing",
      "add --in-place, or omit --pull: a restart pulls by itself",
    );
  }
  const include = listOf(raw["include"])[0];
  const conflicts = [
    ...(include === undefined ? [] : [[`--include ${include}`, "a new sidecar needs a restart"]]),
    ...(raw["allowRevision"] === undefined
      ? []
      : [["--allow-revision", "another revision needs a restart"]]),
    ...(raw["prove"] === "never"
      ? [["--prove=never", "dry runs show whether only the image differs"]]
      : []),
  ];
  const [conflict] = conflicts;
  if (conflict === undefined) return;
  const [flag, why] = conflict;
  throw new UsageError(`${flag} cannot be used with --in-place: ${why}`, "use only one of them");
}

/** @throws UsageError */
function waveSettings(raw: RawOptions): WaveSettings | undefined {
  const [waves, gate] = [textOf(raw["waves"]), textOf(raw["gate"])];
  const soak = raw["soak"] === undefined ? 0 : requireDuration("--soak", raw["soak"]);
  const gateTimeout = requireDuration("--gate-timeout", raw["gateTimeout"]);
  if (gateTimeout === 0) {
    throw new UsageError(
      `--gate-timeout "${String(raw["gateTimeout"])}" would give up on every gate at once`,
      "write the longest time that a gate may take, such as 10m",
    );
  }
  const sizes = waves === undefined ? [] : readWaveSizes(waves);
  if (sizes === undefined) {
    throw new UsageError(
      `--waves "${waves}" is not a list of growing numbers and percentages`,
      "write the workloads that are restarted after each wave, such as 1,10%,50%; the last wave is the rest",
    );
  }
  if (waves === undefined && gate === undefined && soak === 0) return undefined;
  return { sizes, soak, gate, gateTimeout };
}

/**
 * @param names the namespaces.
 * @throws UsageError
 */
export function moveSettings(raw: RawOptions, names: readonly string[]): MoveSettings {
  const to = textOf(raw["to"]);
  const plan = textOf(raw["plan"]);
  const namespaces = names
    .flatMap((name) => name.split(","))
    .map((name) => requireNamespaceName("the argument", name));
  const selects = raw["namespaceSelector"] !== undefined;
  if (plan === undefined && namespaces.length === 0 && !selects) {
    throw new UsageError(
      "move needs a namespace",
      sentence`name the namespaces: ${istioUpgrade("move", "NAMESPACE", "--to", "REVISION")}; or add --namespace-selector LABELS`,
    );
  }
  if (namespaces.length > 0 && selects) {
    throw new UsageError(
      "--namespace-selector and named namespaces cannot be used together",
      "use only one of them",
    );
  }
  if (plan === undefined && to === undefined) {
    throw new UsageError(
      "move needs --to, the revision or the tag that the namespaces get",
      sentence`see the revisions: ${istioUpgrade("revisions")}`,
    );
  }
  const mode = namespaces.find((name) => DRY_RUNS.some((known) => known === name));
  if (raw["dryRun"] !== undefined && mode !== undefined) {
    throw new UsageError(
      `"${mode}" after --dry-run would be the name of a namespace`,
      `write --dry-run=${mode}, or name such a namespace without --dry-run`,
    );
  }
  const [given] = plan === undefined ? [] : [...namespaces, ...(to === undefined ? [] : ["--to"])];
  if (given !== undefined) throw contradictsPlan(given, "move");
  // The arguments of `restart` name workloads.
  const scope = plan === undefined ? { namespace: namespaces } : {};
  return {
    ...restartSettings({ ...raw, ...scope }, []),
    to,
    dropInjectionLabel: raw["dropInjectionLabel"] === true,
    waitForLabel: requireDuration("--wait-for-label", raw["waitForLabel"] ?? "0s"),
  };
}

/** The consent that `--include` and `--allow-downtime` give, within that of `--only-sidecar`. */
export function consentFrom(
  include: readonly string[],
  downtime: boolean,
  onlySidecar = false,
): Consent {
  return {
    ...NO_CONSENT,
    missing: include.includes("missing"),
    current: include.includes("current"),
    drifted: include.includes("drifted"),
    unhealthy: include.includes("unhealthy"),
    downtime,
    onlySidecar,
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
  namespaceSelector: "--namespace-selector",
  selector: "--selector",
  revision: "--revision",
  exclude: "--exclude",
  excludeNamespace: "--exclude-namespace",
  include: "--include",
  allowDowntime: "--allow-downtime",
  allowRevision: "--allow-revision",
  drift: "--drift",
  onlySidecar: "--only-sidecar",
  inPlace: "--in-place",
  pull: "--pull",
};

function rejectPlanFlags(raw: RawOptions, names: readonly string[]): void {
  const flags = Object.entries(PLAN_FLAGS).flatMap(([name, flag]) =>
    raw[name] === undefined ? [] : [flag],
  );
  const [given] = [...names, ...flags];
  if (given !== undefined) throw contradictsPlan(given, "restart");
}

function contradictsPlan(given: string, command: "restart" | "move"): UsageError {
  return new UsageError(
    `--plan defines what to restart, so ${given} cannot be used with it`,
    sentence`omit it, or make another plan: ${istioUpgrade(command, "--dry-run", "--output", "json")}`,
  );
}

/** @throws UsageError */
export function explainSettings(raw: RawOptions, given: string): ExplainSettings {
  const common = withoutMetrics(commonSettings(raw));
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
  return { ...common, drift: common.prove !== "never", subject: { kind, name } };
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
  const common = withoutMetrics(commonSettings(raw));
  if (assertUnused && common.fleet !== undefined) {
    throw new UsageError(
      "--assert-unused is about a revision of one cluster",
      "name one context, and run the command once for each cluster",
    );
  }
  return { ...common, revision, assertUnused };
}

/** @throws UsageError */
export function statusSettings(raw: RawOptions): StatusSettings {
  const common = withoutMetrics(commonSettings(raw));
  return { ...common, to: requireRevisionName("--to", textOf(raw["to"])) };
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
