import { isDeepStrictEqual } from "node:util";
import type { RestartReport } from "../../src/report/document.ts";
import { schemaErrors } from "../support/published-schema.ts";
import { boundOf, REPORT_AFTER_SIGNAL } from "./bound.ts";
import type { MadeChange } from "./changes.ts";
import type { Evidence, ObservedRestart, RunEvidence } from "./evidence.ts";
import { WAVE } from "./created-workload.ts";
import type { ObservedWorkload } from "./observed-workload.ts";

/** Returns what a world shows against the program; an empty list if there is nothing. */
export function findingsOf(evidence: Evidence): readonly string[] {
  const own = evidence.runs.flatMap((run, index) =>
    [
      ...falseSuccess(evidence, run),
      ...repeatedRestarts(run),
      ...harmfulRestarts(evidence, run),
      ...lateEnd(evidence, run),
      ...recordProblems(evidence, run),
      ...outputProblems(run),
    ].map((text) => `run ${index + 1}: ${text}`),
  );
  return [...own, ...restartsByBothRuns(evidence)];
}

/** Milliseconds in which the API server may still use a namespace or a webhook as before its change. */
const SETTLING = 2000;

/** Milliseconds that a new pod needs in addition to its own delay, with a busy machine. */
const STARTING = 5000;

/**
 * An exit code 0, or the verdict `current`, although a live pod has another sidecar than a new pod would
 * get, or has lost its sidecar. Each pod of a workload that the run rolled out must be ready, too. A change
 * during the last read of the run explains a difference.
 */
function falseSuccess(evidence: Evidence, run: RunEvidence): readonly string[] {
  const claim = run.status === 0 ? "exit 0" : "current";
  return contradictionsOf(evidence, run)
    .filter(({ explained }) => !explained)
    .map(({ text }) => `${claim}, but ${text}`);
}

/** Something in the cluster that contradicts a report. */
export interface Contradiction {
  readonly text: string;
  /** True if somebody changed it too late for the run to see. */
  readonly explained: boolean;
}

export function contradictionsOf(
  { changes, workloads }: Evidence,
  run: RunEvidence,
): readonly Contradiction[] {
  const read = lastReadBegan(run);
  return claimedCurrent(run).flatMap((one) => {
    const about = changes.filter((change) => concerns(change, one));
    const changed = about.some((change) => change.ended + (isWide(change) ? SETTLING : 0) >= read);
    const sidecars = sidecarProblems(run, one).map((text) => ({ text, explained: changed }));
    const unready = one.pods.filter(({ ready }) => !ready).length;
    if (unready === 0 || !wasRolledOut(run, one)) return sidecars;
    const { readyAfter = 0, drain = 0 } = workloads.find((other) => isSame(other, one))?.spec ?? {};
    const needs = (readyAfter + drain) * 1000 + STARTING;
    const explained = about.some(({ ended }) => ended + needs >= read);
    return [...sidecars, { text: `${pathOf(one)}: ${unready} pods are not ready`, explained }];
  });
}

/**
 * The workloads that a run calls current: with exit code 0, all in scope; otherwise, those with this
 * verdict. A run that was stopped did not read the cluster again.
 */
function claimedCurrent(run: RunEvidence): readonly ObservedWorkload[] {
  const report = reportOf(run);
  if (report === undefined || STOPPED.has(report.exitCode)) return [];
  return run.after.filter(
    (one) =>
      isInScope(run, one) &&
      (run.status === 0 ||
        report.workloads.some(
          (entry) => entry.verdict === "current" && entry.kind === one.kind && isSame(entry, one),
        )),
  );
}

/** True if the run says that the workload was restarted, or waited for, and is ready. */
function wasRolledOut(run: RunEvidence, { uid }: ObservedWorkload): boolean {
  const result = reportOf(run)?.results.find((one) => one.uid === uid);
  return result?.outcome === "restarted" || result?.outcome === "waited";
}

const STOPPED: ReadonlySet<number> = new Set([130, 143]);

function sidecarProblems(run: RunEvidence, one: ObservedWorkload): readonly string[] {
  const { next, pods } = one;
  const injected = pods.filter(({ image }) => image !== undefined);
  if (next.rejection !== undefined) {
    return pods.length === 0 ? [] : [`${pathOf(one)}: new pods are rejected: ${next.rejection}`];
  }
  const wrong = injected.filter(
    ({ image, revision }) => image !== next.image || revision !== next.revision,
  );
  const lost = run.injected.includes(one.uid) && injected.length < pods.length;
  return [
    ...wrong.map(
      ({ name, image }) =>
        `${pathOf(one)}: ${name} has ${image}, a new pod ${next.image ?? "none"}`,
    ),
    ...(lost ? [`${pathOf(one)}: ${pods.length - injected.length} pods lost their sidecars`] : []),
  ];
}

/** The time at which the last read of a run began, at the latest: after its last result. */
function lastReadBegan(run: RunEvidence): number {
  const results = reportOf(run)?.results ?? [];
  return Math.max(run.begun, ...results.map(({ finishedAt }) => Date.parse(finishedAt)));
}

function isInScope({ plan }: RunEvidence, { labels }: ObservedWorkload): boolean {
  return plan.bySelector !== true || labels[WAVE[0]] === WAVE[1];
}

/** The restarts that changed a workload: a repeated patch with the same time changes nothing. */
function effective(restarts: readonly ObservedRestart[]): readonly ObservedRestart[] {
  const accepted = restarts.filter(({ status }) => status === 200);
  return accepted.filter(
    ({ uid, restartedAt }, index) =>
      accepted.findIndex((one) => one.uid === uid && one.restartedAt === restartedAt) === index,
  );
}

/** True if one of the restarts is the same as another one: both write the same time. */
function wasSent(restarts: readonly ObservedRestart[], other: ObservedRestart): boolean {
  return restarts.some(
    ({ uid, restartedAt }) => uid === other.uid && restartedAt === other.restartedAt,
  );
}

function repeatedRestarts({ restarts }: RunEvidence): readonly string[] {
  const all = effective(restarts);
  return all
    .filter(({ uid }, index) => all.findIndex((one) => one.uid === uid) < index)
    .map((one) => `${pathOf(one)} was restarted twice, at last with ${one.restartedAt}`);
}

/**
 * Restarts by two runs, unless the target of the workload moved between them, or somebody undid the first
 * one, which keeps the old pods.
 */
function restartsByBothRuns({ runs, changes }: Evidence): readonly string[] {
  const [first, ...others] = runs.map(({ restarts }) => effective(restarts));
  return (first ?? []).flatMap((one) =>
    others.flat().flatMap((other) => {
      if (other.uid !== one.uid) return [];
      const [from, to] = [one.time, other.time].toSorted((a, b) => a - b);
      const moved = changes.some(
        (change) =>
          (isWide(change) || change.kind === "undo") &&
          concerns(change, one) &&
          change.ended + SETTLING >= (from ?? 0) &&
          change.begun <= (to ?? 0),
      );
      return moved ? [] : [`both runs restarted ${pathOf(one)}`];
    }),
  );
}

/**
 * Restarts whose new pods would lose their sidecar, be rejected, or move to a revision that nobody
 * allowed. A change of the namespace or of a tag just before explains it, but nothing explains a pod
 * template that opts out, because a restart is for one version of the template.
 */
function harmfulRestarts(
  { changes }: Evidence,
  { restarts, plan }: RunEvidence,
): readonly string[] {
  return effective(restarts).flatMap((one) => {
    const { next, revisions, time } = one;
    const injected: readonly (string | undefined)[] = revisions.filter(
      (revision) => revision !== undefined,
    );
    if (next === undefined || injected.length === 0) return [];
    const explained = changes.some(
      (change) =>
        isWide(change) &&
        concerns(change, one) &&
        change.begun <= time &&
        change.ended + SETTLING >= time,
    );
    if (explained) return [];
    if (next.rejection !== undefined) {
      return [`${pathOf(one)} was restarted, but new pods are rejected: ${next.rejection}`];
    }
    if (next.image === undefined)
      return [`${pathOf(one)} was restarted, but would lose its sidecar`];
    const allowed = next.revision === plan.allowRevision || injected.includes(next.revision);
    return allowed ? [] : [`${pathOf(one)} was moved to ${next.revision}, which nobody allowed`];
  });
}

function lateEnd(evidence: Evidence, run: RunEvidence): readonly string[] {
  const { begun, ended, hurried } = run;
  const bound = boundOf(evidence, run);
  const seconds = (ended - begun) / 1000;
  const after = hurried === undefined ? 0 : (ended - hurried) / 1000;
  return [
    ...(seconds > bound ? [`took ${seconds.toFixed(1)} s, but ${bound.toFixed(1)} s at most`] : []),
    ...(after > REPORT_AFTER_SIGNAL ? [`ended ${after.toFixed(1)} s after the last signal`] : []),
  ];
}

/** A record that is missing, wrong or incomplete, also after a signal. */
function recordProblems({ runs }: Evidence, run: RunEvidence): readonly string[] {
  const { restarts, file } = run;
  const sent = effective(restarts);
  const printed = documentOf(run.stdout);
  if (file === undefined) {
    return sent.length > 0 || printed?.kind === "RestartReport" ? ["no report file"] : [];
  }
  const recorded = documentOf(file);
  if (recorded === undefined) return ["the report file has no document"];
  const invalid = schemaErrors(recorded);
  const differs = printed !== undefined && !isDeepStrictEqual(recorded, printed);
  // A run that a signal ended before its plan was ready restarted nothing.
  const report = recorded.kind === "RestartReport" ? (recorded as RestartReport) : NOTHING_DONE;
  const ended = new Set(report.results.map(({ uid }) => uid));
  const started = new Set(
    report.results.filter(({ startedAt }) => startedAt !== null).map(({ uid }) => uid),
  );
  // A run that was killed could record only its plan, and that it is not finished.
  const open = report.steps.filter(({ uid }) => !ended.has(uid));
  const known =
    printed === undefined ? new Set([...started, ...open.map(({ uid }) => uid)]) : started;
  // After a lost answer, a restart by another run in the same second looks like the run's own.
  const possible = runs.flatMap((one) => effective(one.restarts));
  const claimed = report.results.filter(
    ({ uid, startedAt, outcome }) =>
      startedAt !== null &&
      outcome === "restarted" &&
      !possible.some((one) => one.uid === uid && wasSent(restarts, one)),
  );
  return [
    ...(invalid.length > 0 ? [`the report file is invalid: ${JSON.stringify(invalid)}`] : []),
    ...sent
      .filter(({ uid }) => !known.has(uid))
      .map((one) => `the record lacks the restart of ${pathOf(one)}`),
    ...claimed.map((one) => `the record has a restart of ${pathOf(one)} that was not sent`),
    ...(differs ? ["stdout and the report file differ"] : []),
    ...(open.length > 0 && report.exitCode === 0
      ? ["the record of an unfinished run has exit code 0"]
      : []),
  ];
}

const NOTHING_DONE: Pick<RestartReport, "steps" | "results" | "exitCode"> = {
  steps: [],
  results: [],
  exitCode: 1,
};

/** Output that is not one valid document, or that contradicts itself. */
function outputProblems(run: RunEvidence): readonly string[] {
  const { status, stdout, stderr, restarts, plan } = run;
  const document = documentOf(stdout);
  // A signal ends the process at once before the program handles signals, and after its report.
  if (status === null) {
    if (plan.signal === undefined) return ["a signal that nobody sent ended the process"];
    const mayBeSilent = plan.signal.name === "SIGKILL" || restarts.length === 0;
    return document !== undefined || (stdout === "" && mayBeSilent)
      ? []
      : ["a signal ended the process without a report"];
  }
  if (document === undefined)
    return [`stdout has no document: ${JSON.stringify(stdout.slice(0, 200))}`];
  const line = stderr.split("\n").findLast((text) => text.startsWith("RESULT ")) ?? "";
  const fields = new Map(line.split(" ").map((part) => part.split("=") as [string, string]));
  const report = document.kind === "RestartReport" ? (document as RestartReport) : undefined;
  const count = (verdict: keyof RestartReport["summary"]["byVerdict"]) =>
    report?.summary.byVerdict[verdict] ?? 0;
  const said = COUNTED.filter(
    (verdict) => report !== undefined && fields.get(verdict) !== String(count(verdict)),
  );
  const surprises = (report?.results ?? []).filter(({ code }) => code === "unexpected-error");
  return [
    ...schemaErrors(document).map((error) => `stdout is invalid: ${JSON.stringify(error)}`),
    ...(document.exitCode === status ? [] : [`exits ${status}, but prints ${document.exitCode}`]),
    ...(fields.get("exit") === String(status) ? [] : [`exits ${status}, but ${line}`]),
    ...said.map((verdict) => `${count(verdict)} ${verdict}, but ${line}`),
    ...surprises.map((one) => `${pathOf(one)}: ${one.message}`),
    ...(EXPECTED.has(status) ? [] : [`exits ${status}: ${stdout.slice(0, 400)}`]),
    ...(report === undefined && plan.signal === undefined ? [`no report: ${stdout}`] : []),
    ...(/\n {4}at /.test(stderr) ? [`stderr has a stack: ${stderr.slice(-1000)}`] : []),
  ];
}

const COUNTED = ["outdated", "would-lose", "blocked", "missing", "unknown"] as const;

/** The exit codes of a run that could do its work. */
const EXPECTED: ReadonlySet<number> = new Set([0, 2, 3, 4, 5, 6, 130, 143]);

/** Returns the final report; `undefined` if the run printed none. */
export function reportOf({ stdout }: RunEvidence): RestartReport | undefined {
  const document = documentOf(stdout);
  return document?.kind === "RestartReport" ? (document as RestartReport) : undefined;
}

interface AnyDocument {
  readonly kind: string;
  readonly exitCode: number;
}

function documentOf(text: string): AnyDocument | undefined {
  try {
    return JSON.parse(text) as AnyDocument;
  } catch {
    return undefined;
  }
}

function isWide({ name }: MadeChange): boolean {
  return name === undefined;
}

interface Named {
  readonly namespace: string;
  readonly name: string;
}

function concerns(change: MadeChange, one: Named): boolean {
  return (
    (change.namespace ?? one.namespace) === one.namespace && (change.name ?? one.name) === one.name
  );
}

function isSame(one: Named, other: Named): boolean {
  return one.namespace === other.namespace && one.name === other.name;
}

function pathOf({ namespace, name }: Named): string {
  return `${namespace}/${name}`;
}
