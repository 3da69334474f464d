/** The exit codes in the contract with users. */
const EXIT = {
  ok: 0,
  outdated: 2,
  failed: 3,
  outOfTime: 4,
  needsPerson: 5,
  incomplete: 6,
} as const;

/** The reports of the three commands about one scope of an unchanged cluster. */
export interface CommandReports {
  readonly check: CommandReport;
  readonly verify: CommandReport;
  /** A dry run of `restart`: the API server checks each restart, and persists nothing. */
  readonly plan: PlanReport;
}

/** The part of a report that the commands must agree on. */
export interface CommandReport {
  readonly workloads: readonly Entry[];
  readonly gaps: readonly unknown[];
  readonly exitCode: number;
}

export interface PlanReport extends CommandReport {
  readonly steps: readonly Name[];
  readonly results: readonly PlanResult[];
}

type Content = Omit<CommandReport, "exitCode">;

interface Name {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
}

interface Entry extends Name {
  readonly verdict: string;
  readonly code: string;
  readonly change: string;
  readonly restart: string;
  readonly running: readonly { readonly pods: number; readonly ready: number }[];
  readonly wanted: number | null;
  readonly target: { readonly image: string; readonly revision: string } | null;
  readonly drift: readonly { readonly path: string }[] | null;
}

interface PlanResult extends Name {
  readonly outcome: string;
  readonly code: string;
  readonly message: string;
}

/** A statement of one command that another command denies. */
export interface Contradiction {
  /** `NAMESPACE/KIND/NAME`; `undefined` for one between exit codes. */
  readonly workload: string | undefined;
  readonly message: string;
}

/**
 * Compares the three commands. On an unchanged cluster they say the same about every workload; the
 * dry run plans what `check` calls restartable, and nothing else; and each exit code follows from
 * the workloads in the report.
 */
export function contradictionsOf(reports: CommandReports): readonly Contradiction[] {
  return [...differences(reports), ...planErrors(reports), ...exitErrors(reports)];
}

/**
 * Compares a check with a label selector with a check of everything: the selector keeps exactly the
 * workloads that have the label, and changes nothing about them.
 *
 * @param selected the names of the workloads that have the label.
 */
export function selectionErrors(
  check: CommandReport,
  narrowed: CommandReport,
  selected: ReadonlySet<string>,
): readonly Contradiction[] {
  const expected = new Map(
    check.workloads.map((entry) => [nameOf(entry), statementOf(entry)] as const),
  );
  const found = new Map(
    narrowed.workloads.map((entry) => [nameOf(entry), statementOf(entry)] as const),
  );
  return [...new Set([...expected.keys(), ...found.keys()])].flatMap((workload) => {
    const wanted = selected.has(workload) ? expected.get(workload) : undefined;
    const actual = found.get(workload);
    if (wanted === actual) return [];
    const message = `check --selector: ${actual ?? "not listed"}, not ${wanted ?? "unlisted"}`;
    return [{ workload, message }];
  });
}

/**
 * Finds the changes that `check --drift` reports although there can be none: nothing has changed since
 * these workloads were created.
 *
 * @param fresh the names of the workloads.
 */
export function driftErrors(
  { workloads }: Pick<CommandReport, "workloads">,
  fresh: ReadonlySet<string>,
): readonly Contradiction[] {
  return workloads.flatMap((entry) => {
    const paths = (entry.drift ?? []).map(({ path }) => path);
    if (paths.length === 0 || !fresh.has(nameOf(entry))) return [];
    return [{ workload: nameOf(entry), message: `check --drift: ${paths.join(", ")}` }];
  });
}

/** The part of the report of `revisions` that says what uses each revision. */
export interface RevisionsReport {
  readonly revisions: readonly {
    readonly revision: string;
    readonly holders: readonly { readonly kind: string; readonly names: readonly string[] }[];
  }[];
}

/** A use of a revision by a workload: its template names the revision, or one of its pods runs it. */
export interface Use extends Name {
  readonly revision: string;
  readonly by: "templates" | "pods";
}

/** The names by which the report calls the kinds that can be restarted. */
const SHORT_NAMES: Readonly<Record<string, string>> = {
  Deployment: "deploy",
  StatefulSet: "sts",
  DaemonSet: "ds",
};

/** Finds the uses that `revisions` does not report: the revision would seem to be removable. */
export function missingUses(
  { revisions }: RevisionsReport,
  uses: readonly Use[],
): readonly Contradiction[] {
  return uses.flatMap((use) => {
    const { namespace, kind, name, revision, by } = use;
    const found = revisions.find((one) => one.revision === revision)?.holders ?? [];
    const reported = `${namespace}/${SHORT_NAMES[kind] ?? kind.toLowerCase()}/${name}`;
    const isReported = found.some(
      (holder) => holder.kind === by && holder.names.includes(reported),
    );
    const message = `uses ${revision} by its ${by}, which revisions does not report`;
    return isReported ? [] : [{ workload: nameOf(use), message }];
  });
}

/** Returns the name of a workload: `NAMESPACE/KIND/NAME`. */
function nameOf({ namespace, kind, name }: Name) {
  return `${namespace}/${kind}/${name}`;
}

function differences({ check, verify, plan }: CommandReports): readonly Contradiction[] {
  const lists = [check, verify, plan].map(
    ({ workloads }) => new Map(workloads.map((entry) => [nameOf(entry), statementOf(entry)])),
  );
  const names = new Set(lists.flatMap((list) => [...list.keys()]));
  return [...names].flatMap((workload) => {
    const [checked, verified, planned] = lists.map((list) => list.get(workload) ?? "not listed");
    if (checked === verified && checked === planned) return [];
    const message = `check: ${checked}; verify: ${verified}; restart --dry-run: ${planned}`;
    return [{ workload, message }];
  });
}

/** The part of an entry that all commands must agree on: the evidence for it may differ. */
function statementOf({ verdict, code, change, restart, target }: Entry): string {
  const next = target === null ? "no target" : `${target.image} of ${target.revision}`;
  return `${verdict} (${code}), ${change}, restart ${restart}, ${next}`;
}

/** The results of planned restarts that do not deny the plan. */
const CONFIRMED: ReadonlySet<string> = new Set([
  "dry-run",
  // The control plane, or the workload's own rollout, is not ready yet.
  "still-waiting",
  "not-started",
]);

function planErrors({ check, plan }: CommandReports): readonly Contradiction[] {
  const planned = new Set(plan.steps.map(nameOf));
  const restartable = new Set(check.workloads.filter(isRestartable).map(nameOf));
  return [
    ...[...planned]
      .filter((workload) => !restartable.has(workload))
      .map((workload) => ({
        workload,
        message: "planned, but check does not call it restartable",
      })),
    ...[...restartable]
      .filter((workload) => !planned.has(workload))
      .map((workload) => ({
        workload,
        message: "check calls it restartable, but it is not planned",
      })),
    ...plan.results
      .filter(({ code }) => !CONFIRMED.has(code))
      .map((result) => ({
        workload: nameOf(result),
        message: `planned, but the dry run ends with ${result.code}: ${result.message}`,
      })),
  ];
}

function exitErrors({ check, verify, plan }: CommandReports): readonly Contradiction[] {
  const expected = [
    ["check", exitCodeOfCheck(check), check.exitCode],
    ["verify", exitCodeOfVerify(verify), verify.exitCode],
    ["restart --dry-run", exitCodeOfPlan(plan), plan.exitCode],
  ] as const;
  return expected.flatMap(([command, wanted, actual]) =>
    wanted === actual
      ? []
      : [
          {
            workload: undefined,
            message: `${command} exits ${actual}, but its report means ${wanted}`,
          },
        ],
  );
}

/**
 * The exit code of `check`, by the workloads alone. It is 2 if and only if a dry run of `restart`
 * plans something.
 */
export function exitCodeOfCheck({ workloads, gaps }: Content): number {
  if (workloads.some(isRestartable)) return EXIT.outdated;
  if (isIncomplete({ workloads, gaps })) return EXIT.incomplete;
  return workloads.some(needsPerson) ? EXIT.needsPerson : EXIT.ok;
}

/** The exit code of `verify` is that of `check`, unless a pod is not ready. */
export function exitCodeOfVerify(report: Content): number {
  return report.workloads.some(isUnready) ? EXIT.outOfTime : exitCodeOfCheck(report);
}

const UNFINISHED: ReadonlySet<string> = new Set(["timed-out", "still-rolling", "not-started"]);

/** The exit code of a dry run is 0 if it could plan, with any content of the plan. */
export function exitCodeOfPlan(report: Content & Pick<PlanReport, "results">): number {
  const outcomes = report.results.map(({ outcome }) => outcome);
  if (outcomes.includes("failed")) return EXIT.failed;
  if (outcomes.some((outcome) => UNFINISHED.has(outcome))) {
    return EXIT.outOfTime;
  }
  return isIncomplete(report) ? EXIT.incomplete : EXIT.ok;
}

function isRestartable({ verdict, restart }: Entry): boolean {
  return verdict === "outdated" && restart === "yes";
}

function isIncomplete({ workloads, gaps }: Content): boolean {
  return gaps.length > 0 || workloads.some(({ verdict }) => verdict === "unknown");
}

const FOR_A_PERSON: ReadonlySet<string> = new Set(["would-lose", "blocked", "missing", "outdated"]);

function needsPerson(entry: Entry): boolean {
  return FOR_A_PERSON.has(entry.verdict) && !isRestartable(entry);
}

function isUnready({ verdict, running, wanted }: Entry): boolean {
  if (verdict === "managed" || verdict === "excluded" || running.length === 0) return false;
  const [pods, ready] = [sum(running, "pods"), sum(running, "ready")];
  return ready < Math.max(pods, wanted ?? 0);
}

function sum(running: Entry["running"], field: "pods" | "ready"): number {
  return running.reduce((total, group) => total + group[field], 0);
}
