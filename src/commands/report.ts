import type { Output } from "../io.ts";
import { EXIT, type ExitCode, exitCodeOf, type ExitReason } from "../exit-codes.ts";
import {
  type AnyDocument,
  API_VERSION,
  type CheckReport,
  type DocumentHead,
  type Report,
  type WorkloadEntry,
} from "../report/document.ts";
import { gapEntry, summaryEntry, targetEntries } from "../report/entries.ts";
import { countEntries, resultLine, verdictReasons } from "../report/exit-reasons.ts";
import { clusterFlags, withCompleteCommands } from "../report/pasted-commands.ts";
import { loadRenderer } from "../report/render.ts";
import { resourceName } from "../kubernetes/kinds.ts";
import { styleFor } from "../report/style.ts";
import { shellWord } from "../shell-word.ts";
import { includedBy } from "../settings.ts";
import type { ScopeEntries } from "./assess-scope.ts";
import type { Session } from "./session.ts";

/** The part of a report that all commands share, before the exit code is known. */
export type ReportBody = Omit<CheckReport, "kind" | "exitCode" | "exitReasons" | "nextStep">;

export function reportBody(session: Session, seen: ScopeEntries): ReportBody {
  const { settings, namespaces } = session;
  const { scope } = settings;
  const workloads = seen.entries;
  return {
    ...documentHead(session),
    scope: {
      namespaces: namespaces ?? null,
      workloads: scope.workloads.map(({ kind, name }) => `${kind}/${name}`),
      selector: scope.selector?.text ?? null,
      revision: scope.revision ?? null,
      exclude: scope.excludes.map(({ text }) => text),
      include: includedBy(settings.consent),
    },
    complete: seen.gaps.length === 0 && workloads.every(({ verdict }) => verdict !== "unknown"),
    gaps: seen.gaps.map(gapEntry),
    notes: [...session.prover.notes(), ...session.notes, ...seen.notes],
    targets: targetEntries(seen.mesh),
    workloads,
    summary: summaryEntry(workloads),
  };
}

/** Where and when a document was made: what every kind begins with. */
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

/** With its path: behind a proxy it may be all that tells one cluster from another. */
export function serverAddress({ origin, pathname }: URL): string {
  return `${origin}${pathname.replace(/\/$/, "")}`;
}

type Kinded<Kind extends Report["kind"]> = Extract<Report, { readonly kind: Kind }>;

/** What a command adds to the findings. */
type Own<Kind extends Report["kind"]> = Omit<
  Kinded<Kind>,
  keyof ReportBody | "exitCode" | "exitReasons" | "nextStep"
>;

/**
 * A report with its conclusion: the exit code, the reasons for it, and the next step.
 *
 * @param reasons what speaks against exit 0 beyond the verdicts and gaps.
 */
export function completeReport<Kind extends Report["kind"]>(
  session: Session,
  findings: ReportBody,
  own: Own<Kind> & { readonly kind: Kind },
  reasons: readonly ExitReason[],
): Kinded<Kind> {
  const counts = countEntries(findings.workloads, findings.gaps.length);
  const dryRun = "dryRun" in own && own.dryRun !== null;
  const mendsMissing = findings.scope.include.includes("missing");
  // A dry run that could plan is a success, whatever it would restart.
  const found = verdictReasons(counts, mendsMissing).filter(
    ({ code }) => !dryRun || code === EXIT.incomplete,
  );
  const all = [...reasons, ...found];
  const { apiVersion, ...rest } = findings;
  const report: object = {
    apiVersion,
    ...own,
    ...rest,
    nextStep: nextStep(session, findings, mendsMissing ? mendsMissingToo : mendsOutdated),
    exitCode: exitCodeOf(all),
    exitReasons: all.map(({ text }) => text),
  };
  return withCompleteCommands(report, clusterFlags(session.settings)) as Kinded<Kind>;
}

/** Closes a report and prints it: the result on stdout, the RESULT line last on stderr. */
export async function publishReport<Kind extends Report["kind"]>(
  session: Session,
  findings: ReportBody,
  own: Own<Kind> & { readonly kind: Kind },
  reasons: readonly ExitReason[],
): Promise<ExitCode> {
  const report: Report = completeReport<Kind>(session, findings, own, reasons);
  await publishDocument(session, report);
  const counts = countEntries(report.workloads, report.gaps.length);
  session.io.stderr.write(`${resultLine(report.exitCode, report.cluster.context, counts)}\n`);
  return report.exitCode;
}

/** Prints a document in the format that was asked for, and keeps it where that was. */
export async function publishDocument(
  { io, settings, progress, reportFile }: Session,
  document: AnyDocument,
): Promise<void> {
  const { display } = settings;
  progress.stop();
  const render = await loadRenderer(display.output);
  writeInPieces(io.stdout, render(document, styleFor(io.stdout, display, io)));
  await reportFile.write(document);
}

/** Characters that are written at a time. */
const AT_A_TIME = 64 * 1024;

function writeInPieces(output: Output, pieces: Iterable<string>): void {
  let text = "";
  for (const piece of pieces) {
    text += piece;
    if (text.length < AT_A_TIME) continue;
    output.write(text);
    text = "";
  }
  output.write(text);
}

/** The command that would mend what a restart can mend. */
function nextStep(
  { settings, namespaces }: Session,
  { workloads }: ReportBody,
  mends: Mends,
): string {
  const mendable = workloads.filter((entry) => mends(entry));
  if (mendable.length === 0) return "";
  const { scope } = settings;
  const places = [...new Set(mendable.map(({ namespace }) => namespace))];
  const everywhere = namespaces === undefined && places.length > MOST_NAMED;
  return [
    "istio-upgrade restart",
    ...scope.workloads.map(({ kind, name }) => resourceName({ kind, name })),
    ...(everywhere ? ["--all-namespaces"] : ["--namespace", places.join(",")]),
    ...flag("selector", scope.selector && shellWord(scope.selector.text)),
    ...flag("revision", scope.revision && shellWord(scope.revision)),
    ...scope.excludes.map(({ text }) => text),
    ...(mends === mendsMissingToo ? ["--include missing"] : []),
  ].join(" ");
}

function flag(name: string, value: string | undefined): readonly string[] {
  return value === undefined ? [] : [`--${name}`, value];
}

/** More namespaces than these are not named one by one. */
const MOST_NAMED = 3;

type Mends = (entry: WorkloadEntry) => boolean;

function mendsOutdated({ verdict, restart }: WorkloadEntry): boolean {
  return verdict === "outdated" && restart === "yes";
}

function mendsMissingToo(entry: WorkloadEntry): boolean {
  return mendsOutdated(entry) || (entry.verdict === "missing" && entry.restart === "yes");
}
