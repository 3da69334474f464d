import { EXIT, type ExitCode, exitCodeOf, type ExitReason } from "../exit-codes.ts";
import {
  type AnyDocument,
  API_VERSION,
  type CheckReport,
  type DocumentHead,
  type MoveEntry,
  type Report,
  type RestartReport,
  type ResultEntry,
  type ScopeEntry,
  type WorkloadEntry,
} from "../report/document.ts";
import { workloadPath } from "../report/events.ts";
import { gapEntry, summaryEntry, targetEntries } from "../report/entries.ts";
import { isRestartable } from "../report/entry-status.ts";
import { resultFields, resultLine, verdictReasons } from "../report/exit-reasons.ts";
import { isoDuration } from "../report/iso-duration.ts";
import { loadRenderer } from "../report/render.ts";
import { resourceName } from "../kubernetes/kinds.ts";
import { allowRevisions, movedTo } from "../mesh/revision-move.ts";
import { revisionNote } from "../report/revision-note.ts";
import { writeResultLine } from "../report/result-line.ts";
import { countedSince } from "../report/since.ts";
import { styleFor } from "../report/style.ts";
import { istioUpgrade } from "../next-step.ts";
import { leaseFlags } from "../report/leases.ts";
import { waveFlags } from "../report/waves.ts";
import { labelNotes } from "../report/workload-labels.ts";
import { groupFields, type Restarts } from "../report/workload-groups.ts";
import { includedBy, type RestartSettings } from "../settings.ts";
import { inPieces } from "./pieces.ts";
import type { ScopeEntries } from "./assess-scope.ts";
import type { Session } from "./session.ts";

/** The part of a report that does not depend on the exit code. */
export type ReportBody = Omit<
  CheckReport,
  "kind" | "since" | "exitCode" | "exitReasons" | "nextStep"
>;

/** @param restarts the plan and its results, for the counts of groups. */
export function reportBody(session: Session, seen: ScopeEntries, restarts?: Restarts): ReportBody {
  const { maxAge, grouping } = session.settings;
  const workloads = seen.entries;
  const withinMaxAge = workloads.filter((entry) => entry.withinMaxAge).length;
  return {
    ...documentHead(session),
    scope: scopeEntry(session),
    ...(maxAge === undefined ? {} : { maxAge: isoDuration(maxAge / 1000) }),
    complete: seen.gaps.length === 0 && workloads.every(({ verdict }) => verdict !== "unknown"),
    gaps: seen.gaps.map((gap) => gapEntry(gap, session.formatStep)),
    notes: [
      ...session.prover.notes(),
      ...session.notes,
      ...seen.notes,
      ...labelNotes(grouping, workloads, seen.namespaces),
    ],
    targets: targetEntries(seen.mesh),
    workloads,
    summary: {
      ...summaryEntry(workloads),
      ...(maxAge === undefined ? {} : { withinMaxAge }),
    },
    ...groupFields(grouping, workloads, restarts),
  };
}

/** Returns the scope of a report as it is published. */
export function scopeEntry({ settings, namespaces }: Session): ScopeEntry {
  const { scope, consent } = settings;
  return {
    namespaces: namespaces ?? null,
    namespaceSelector: scope.namespaceSelector?.text ?? null,
    workloads: scope.workloads.map(({ kind, name }) => `${kind}/${name}`),
    selector: scope.selector?.text ?? null,
    revision: scope.revision ?? null,
    exclude: scope.excludes.map(({ text }) => text),
    include: includedBy(consent),
  };
}

/** Returns the fields that every document begins with. */
export function documentHead({ api, settings, version, io }: Session): DocumentHead {
  return {
    apiVersion: API_VERSION,
    generatedAt: io.now().toISOString(),
    version,
    cluster: {
      context: api.connection.context,
      server: serverAddress(api.connection.server),
      istioNamespace: settings.istioNamespace,
    },
  };
}

/** Returns the address with its path: clusters behind one proxy may differ only in their paths. */
export function serverAddress({ origin, pathname }: URL): string {
  return `${origin}${pathname.replace(/\/$/, "")}`;
}

type ReportOf<Kind extends Report["kind"]> = Extract<Report, { readonly kind: Kind }>;

/** The fields that only one kind of report has. */
type OwnFields<Kind extends Report["kind"]> = Omit<
  ReportOf<Kind>,
  keyof ReportBody | "exitCode" | "exitReasons" | "nextStep"
>;

/**
 * Adds the exit code, its reasons and the next step to a report.
 *
 * @param reasons the reasons against exit code 0 besides verdicts and gaps.
 */
export function completeReport<Kind extends Report["kind"]>(
  session: Session,
  body: ReportBody,
  own: OwnFields<Kind> & { readonly kind: Kind },
  reasons: readonly ExitReason[],
): ReportOf<Kind> {
  const dryRun = "dryRun" in own && own.dryRun !== null;
  const moved = "namespaces" in own ? (own as Pick<RestartReport, "move" | "namespaces">) : {};
  // Nothing was to be restarted.
  const isRefused = moved.namespaces?.some(({ outcome }) => outcome === "refused") === true;
  // A dry run succeeds with any content of the plan.
  const since = "since" in own ? (own as Pick<CheckReport, "since">).since : undefined;
  const found = verdictReasons(
    countedSince(body.workloads, since),
    body.gaps.length,
    body.scope.include.includes("missing"),
    session.settings.failOn,
  ).filter(({ code }) => (!dryRun && !isRefused) || code === EXIT.incomplete);
  const all = [...reasons, ...found];
  const { apiVersion, ...rest } = body;
  const report: object = {
    apiVersion,
    ...own,
    ...rest,
    nextStep:
      moved.move === undefined
        ? nextStep(
            session,
            "results" in own ? withoutReverted(body, own.results as readonly ResultEntry[]) : body,
            own.kind === "CheckReport",
            dryRun,
          )
        : moveNextStep(session, exitCodeOf(all), moved.move, isRefused, dryRun),
    exitCode: session.settings.exitZero ? EXIT.ok : exitCodeOf(all),
    exitReasons: all.map(({ text }) => text),
  };
  return report as ReportOf<Kind>;
}

/**
 * Completes and prints the report of a run: the document on stdout, the RESULT line last on stderr.
 *
 * @param isShown false keeps the document from stdout, but not from the report file.
 */
export async function publishReport(
  session: Session,
  body: ReportBody,
  own: OwnFields<"RestartReport"> & { readonly kind: "RestartReport" },
  reasons: readonly ExitReason[],
  isShown: boolean,
): Promise<ExitCode> {
  const report = completeReport(session, body, own, reasons);
  if (isShown) await publishDocument(session, report);
  else await session.reportFile.write(report);
  const line = resultLine(report.exitCode, report.cluster.context, resultFields(report));
  await writeResultLine(session.io, line, session.settings.display);
  return report.exitCode;
}

/** Completes a report that is not about a restart: with a note about the revisions in it. */
export function notedReport<Kind extends "CheckReport" | "VerifyReport">(
  session: Session,
  body: ReportBody,
  own: OwnFields<Kind> & { readonly kind: Kind },
  reasons: readonly ExitReason[],
): ReportOf<Kind> {
  const note = revisionNote(body);
  const noted = note ? { ...body, notes: [...body.notes, session.formatStep(note)] } : body;
  return completeReport<Kind>(session, noted, own, reasons);
}

/** Prints a document in the format of `--output`, and writes it to `--report-file`. */
export async function publishDocument(
  {
    io,
    settings,
    progress,
    reportFile,
  }: Pick<Session, "io" | "settings" | "progress" | "reportFile">,
  document: AnyDocument,
): Promise<void> {
  const { display } = settings;
  progress.stop();
  const render = await loadRenderer(display.output);
  for (const piece of inPieces(render(document, styleFor(io.stdout, display, io)))) {
    io.stdout.write(piece);
  }
  await reportFile.write(document);
}

/** The exit codes after which a move is to be continued. */
const UNFINISHED: ReadonlySet<ExitCode> = new Set([
  EXIT.outdated,
  EXIT.outOfTime,
  EXIT.interrupted,
  EXIT.terminated,
  EXIT.couldNotRun,
]);

/** Returns the command that continues a move; after a failure, the one that takes it back. */
function moveNextStep(
  session: Session,
  exitCode: ExitCode,
  { wayBack, direction }: MoveEntry,
  isRefused: boolean,
  dryRun: boolean,
): string {
  const { formatStep } = session;
  if (isRefused) return "";
  // After a failure on the way back, the other direction is no help.
  const isFailed = exitCode === EXIT.failed;
  if (isFailed && direction === "forward" && wayBack !== "") return wayBack;
  const isLeft = dryRun || isFailed || UNFINISHED.has(exitCode);
  return session.again !== undefined && isLeft ? formatStep(session.again) : "";
}

/** The codes of failures that the same command would repeat. */
const REVERTED: ReadonlySet<string> = new Set([
  "superseded",
  "taken-back",
  "application-restarted",
]);

/** Removes workloads whose restart somebody reverted: the same restart would be reverted again. */
function withoutReverted(body: ReportBody, results: readonly ResultEntry[]): ReportBody {
  const reverted = new Set(
    results
      .filter(({ code, outcome }) => outcome === "failed" && REVERTED.has(code))
      .map(workloadPath),
  );
  const workloads = body.workloads.filter((entry) => !reverted.has(workloadPath(entry)));
  return { ...body, workloads };
}

/** If there are more namespaces, the command names none of them. */
const MOST_NAMED = 3;

/** Returns the command that restarts the workloads which a restart fixes; empty if there are none. */
function nextStep(
  { settings, namespaces, formatStep }: Session,
  { workloads, scope: { include } }: ReportBody,
  isCheck: boolean,
  dryRun: boolean,
): string {
  // After a restart of everything, nothing is left to do about the current workloads.
  const included = include.filter((name) => isCheck || (name !== "current" && name !== "drifted"));
  const fixable = workloads.filter(
    (entry) =>
      isRestartable(entry) ||
      (entry.restart === "yes" && included.some((name) => isIncluded(entry, name))),
  );
  if (fixable.length === 0) return "";
  // Another command would restart more than what was approved.
  const waves = wavesOf(settings);
  const plan = (dryRun || waves.length > 0) && "plan" in settings ? settings.plan : undefined;
  if (typeof plan === "string") {
    return formatStep(istioUpgrade("restart", "--plan", plan, ...waves, ...leaseOf(settings)));
  }
  const { scope } = settings;
  const affected = [...new Set(fixable.map(({ namespace }) => namespace))];
  const isMany = affected.length > MOST_NAMED;
  const selector = scope.namespaceSelector?.text;
  const command = istioUpgrade(
    "restart",
    ...scope.workloads.map(({ kind, name }) => resourceName({ kind, name })),
    ...(isMany && selector !== undefined
      ? ["--namespace-selector", selector]
      : isMany && namespaces === undefined
        ? ["--all-namespaces"]
        : ["--namespace", affected.join(",")]),
    ...flag("selector", scope.selector?.text),
    ...flag("revision", scope.revision),
    ...scope.excludes.flatMap(({ args }) => args),
    ...(included.length > 0 ? ["--include", included.join(",")] : []),
    ...(settings.consent.downtime ? ["--allow-downtime"] : []),
    ...inPlaceOf(settings),
    ...(settings.consent.onlySidecar ? ["--only-sidecar"] : []),
    // Without a person who answers a question, the command needs consent to change a revision.
    ...allowRevisions(fixable.flatMap(({ running, target }) => movedTo(running, target))),
    ...waves,
    ...leaseOf(settings),
  );
  return formatStep(command);
}

function inPlaceOf({
  inPlace = false,
  pull = false,
}: Session["settings"] & Partial<RestartSettings>): readonly string[] {
  return [...(inPlace ? ["--in-place"] : []), ...(pull ? ["--pull"] : [])];
}

/** Returns the flags about waves: without them, the command would restart the rest at once. */
function wavesOf(settings: Session["settings"] & Partial<RestartSettings>): readonly string[] {
  return settings.waves === undefined ? [] : waveFlags(settings.waves);
}

/** Returns the flag without which the command would not know of other runs. */
function leaseOf(settings: Session["settings"] & Partial<RestartSettings>): readonly string[] {
  return leaseFlags(settings.lease);
}

/** Only drift that is wanted makes a restart of a current workload possible. */
function isIncluded({ verdict }: WorkloadEntry, include: string): boolean {
  return include === "drifted" ? verdict === "current" : include === verdict;
}

function flag(name: string, value: string | undefined): readonly string[] {
  return value === undefined ? [] : [`--${name}`, value];
}
